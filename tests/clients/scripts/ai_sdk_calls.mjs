// @ai-sdk/alibaba: ai-sdk.dev/providers/ai-sdk-providers/alibaba.
import { createAlibaba } from "@ai-sdk/alibaba";
import { generateObject, generateText, stepCountIs, streamText, tool } from "ai";
import { z } from "zod";
import { run, step, COMPATIBLE, KEY } from "./steps.mjs";

const alibaba = createAlibaba({ baseURL: COMPATIBLE, apiKey: KEY });

step("text", async () => {
  const { text, usage } = await generateText({ model: alibaba("qwen-plus"), prompt: "数到3" });
  return text === "1，2，3" && usage.totalTokens === 11;
});

step("stream", async () => {
  const { textStream } = streamText({ model: alibaba("qwen-plus"), prompt: "数到9" });
  let text = "";
  for await (const piece of textStream) text += piece;
  return text === "1，2，3，4，5，6，7，8，9";
});

step("thinking", async () => {
  const { reasoningText } = await generateText({
    model: alibaba("qwen3.7-plus"),
    prompt: "数到3",
    providerOptions: { alibaba: { enableThinking: true } },
  });
  return reasoningText.length > 0;
});

step("tools", async () => {
  const { text } = await generateText({
    model: alibaba("qwen-plus"),
    prompt: "杭州的天气",
    stopWhen: stepCountIs(3),
    tools: {
      weather: tool({ description: "weather", inputSchema: z.object({ city: z.string() }), execute: async () => "晴" }),
    },
  });
  return text.includes("晴");
});

step("object", async () => {
  const { object } = await generateObject({
    model: alibaba("qwen3.7-plus"),
    schema: z.object({ name: z.string(), guests: z.array(z.string()) }),
    prompt: "json: Anna",
    providerOptions: { alibaba: { enableThinking: false } },
  });
  return typeof object.name === "string";
});

await run();
