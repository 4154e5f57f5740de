// openai for Node: github.com/openai/openai-node, its README, with `baseURL`.
import OpenAI, { toFile } from "openai";
import { run, step, COMPATIBLE, KEY } from "./steps.mjs";

const client = new OpenAI({ baseURL: COMPATIBLE, apiKey: KEY, maxRetries: 0 });
const said = (content) => [{ role: "user", content }];
const tool = {
  type: "function",
  function: { name: "get_weather", parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] } },
};

step("chat", async () => {
  const answer = await client.chat.completions.create({ model: "qwen-plus", messages: said("数到3") });
  return answer.choices[0].message.content === "1，2，3";
});

step("stream", async () => {
  const stream = await client.chat.completions.create({ model: "qwen-plus", messages: said("数到9"), stream: true });
  let text = "";
  for await (const chunk of stream) text += chunk.choices[0]?.delta?.content ?? "";
  return text === "1，2，3，4，5，6，7，8，9";
});

step("tools", async () => {
  const runner = client.chat.completions.runTools({
    model: "qwen-plus",
    messages: said("天气"),
    tools: [{ ...tool, function: { ...tool.function, parse: JSON.parse, function: () => "晴" } }],
  });
  return (await runner.finalContent()).includes("晴");
});

step("responses", async () => {
  const answer = await client.responses.create({ model: "qwen-plus", input: "数到3" });
  return answer.output_text === "1，2，3";
});

step("embeddings", async () => {
  const made = await client.embeddings.create({ model: "text-embedding-v4", input: ["一"], dimensions: 64 });
  return made.data[0].embedding.length === 64;
});

step("models", async () => {
  const names = [];
  for await (const model of client.models.list()) names.push(model.id);
  return names.includes("qwen-plus");
});

step("files", async () => {
  const file = await client.files.create({ file: await toFile(Buffer.from("hello"), "a.txt"), purpose: "file-extract" });
  const ids = [];
  for await (const one of client.files.list()) ids.push(one.id);
  return ids.includes(file.id) && (await client.files.delete(file.id)).deleted;
});

step("errors", async () => {
  try {
    await client.chat.completions.create({ model: "nobody", messages: said("x") });
  } catch (error) {
    return error instanceof OpenAI.NotFoundError && error.code === "model_not_found";
  }
  return false;
});

await run();
