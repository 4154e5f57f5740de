// The same for Node as steps.py is for Python: runs the steps of a script and says how each went.
export const COMPATIBLE = `${process.env.SANDBOX_ROOT}/compatible-mode/v1`;
export const KEY = "sk-client";

const steps = [];

export const step = (name, work) => steps.push([name, work]);

export async function run() {
  const told = {};
  for (const [name, work] of steps) {
    try {
      told[name] = (await work()) === true ? "ok" : "it came out differently";
    } catch (error) {
      told[name] = String(error.stack ?? error).slice(-3000);
    }
  }
  process.stdout.write("\n" + JSON.stringify(told) + "\n");
}
