// Sends one event of each kind, and many of one, by Segment's library for Node.
"use strict";
const { createRequire } = require("node:module");
const { Analytics } = createRequire(`${process.argv[2]}/`)("@segment/analytics-node");

const [, , , host, writeKey, count] = process.argv;

async function main() {
  const analytics = new Analytics({ writeKey, host, flushAt: 100, flushInterval: 500 });
  const problems = [];
  analytics.on("error", (problem) => problems.push(String(problem.reason ?? problem.code)));
  const context = { app: { name: "tested" } };
  analytics.identify({ userId: "node", traits: { plan: "free" } });
  analytics.page({ userId: "node", name: "Home", properties: { path: "/" } });
  analytics.screen({ userId: "node", name: "Start" });
  analytics.group({ userId: "node", groupId: "g", traits: { seats: 3 } });
  analytics.alias({ userId: "node", previousId: "anonymous" });
  for (let number = 0; number < Number(count); number++) {
    analytics.track({ userId: "node", event: "Counted", properties: { number }, context });
  }
  await analytics.closeAndFlush({ timeout: 30_000 });
  console.log(JSON.stringify({ problems }));
}

main();
