// See process.py; in Node code has all of the process, in Deno what its permissions leave.
import process from "node:process";
import { createInterface } from "node:readline";

let handler;
for await (const line of createInterface({ input: process.stdin })) {
  const told = JSON.parse(line);
  if (handler === undefined) {
    handler = new Function(`${told}; return onTrack;`)();
    continue;
  }
  const value = await handler(...told);
  process.stdout.write(`${JSON.stringify({ value })}\n`);
}
