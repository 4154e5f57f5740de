// qwen-code: github.com/QwenLM/qwen-code, its README: a key, a base URL and a model of an OpenAI-compatible service.
import { execFile } from "node:child_process";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { run, step, COMPATIBLE, KEY } from "./steps.mjs";

const qwen = join(import.meta.dirname, "node_modules", ".bin", "qwen");

step("prompt", async () => {
  const home = await mkdtemp(join(tmpdir(), "qwen-"));
  const env = { ...process.env, HOME: home, OPENAI_API_KEY: KEY, OPENAI_BASE_URL: COMPATIBLE, OPENAI_MODEL: "qwen-plus" };
  const options = { cwd: home, env, timeout: 120_000, shell: process.platform === "win32" };
  const { stdout } = await promisify(execFile)(qwen, ["-p", "数到3"], options);
  return stdout.includes("qwen-plus") && stdout.includes("数到3"); // it calls a tool first, and tells what that said
});

await run();
