// Contenders within Node, by name in the first argument; answers as serving.py does.
import { createInterface } from "node:readline";
import process, { memoryUsage, argv, hrtime, stdin, stdout } from "node:process";
import { createRequire } from "node:module";

const require = createRequire(`${argv[3]}/`);
const SHIM = `
;var __out;
function __call(event, settings) {
  __out = undefined;
  return Promise.resolve()
    .then(() => onTrack(JSON.parse(event), JSON.parse(settings)))
    .then((value) => { __out = JSON.stringify({ value }); }, (error) => { __out = JSON.stringify({ error: String(error) }); });
}
`;

/** Each gives a function that makes a world: { call(event, settings), close() }. */
const CONTENDERS = {
  async "node:vm"() {
    const vm = await import("node:vm");
    return (code, { seconds }) => {
      const context = vm.createContext({}, { microtaskMode: "afterEvaluate" });
      const run = (text) => vm.runInContext(text, context, { timeout: seconds * 1000 });
      run(code + SHIM);
      return {
        call(event, settings) {
          run(`__call(${JSON.stringify(event)}, ${JSON.stringify(settings)})`);
          return run("__out");
        },
        close() {},
      };
    };
  },
  async worker_threads() {
    const { Worker } = await import("node:worker_threads");
    const body = (code) => `${code}${SHIM}
      require("node:worker_threads").parentPort.on("message", async ([event, settings]) => {
        await __call(event, settings);
        require("node:worker_threads").parentPort.postMessage(__out);
      });`;
    return (code, { seconds, memory }) => {
      const worker = new Worker(body(code), { eval: true, resourceLimits: { maxOldGenerationSizeMb: memory / 2 ** 20 } });
      return {
        call: (event, settings) =>
          new Promise((resolve, reject) => {
            const timer = setTimeout(() => worker.terminate().then(() => reject(new Error("terminated"))), seconds * 1000);
            const done = (act) => (value) => (clearTimeout(timer), act(value));
            worker.removeAllListeners();
            worker.once("message", done(resolve)).once("error", done(reject));
            worker.postMessage([event, settings]);
          }),
        close: () => worker.terminate(),
      };
    };
  },
  async "quickjs-emscripten"() {
    const { getQuickJS, shouldInterruptAfterDeadline } = require("quickjs-emscripten");
    const quickjs = await getQuickJS();
    return (code, { seconds, memory }) => {
      const runtime = quickjs.newRuntime();
      runtime.setMemoryLimit(memory);
      const context = runtime.newContext();
      const run = (text) => {
        runtime.setInterruptHandler(shouldInterruptAfterDeadline(Date.now() + seconds * 1000));
        const handle = context.unwrapResult(context.evalCode(text));
        const value = context.dump(handle);
        handle.dispose();
        return value;
      };
      run(`${code}${SHIM};0`);
      return {
        call(event, settings) {
          run(`__call(${JSON.stringify(event)}, ${JSON.stringify(settings)}); 0`);
          const jobs = runtime.executePendingJobs();
          if (jobs.error) throw new Error(JSON.stringify(context.dump(jobs.error)));
          return run("__out");
        },
        close() {
          context.dispose();
          runtime.dispose();
        },
      };
    };
  },
  async "isolated-vm"() {
    const ivm = require("isolated-vm");
    return (code, { seconds, memory }) => {
      const isolate = new ivm.Isolate({ memoryLimit: memory / 2 ** 20 });
      const context = isolate.createContextSync();
      const timeout = seconds * 1000;
      context.evalSync(code + SHIM, { timeout });
      return {
        async call(event, settings) {
          await context.evalClosure("return __call($0, $1)", [event, settings], { timeout, result: { promise: true } });
          return context.evalSync("__out", { timeout });
        },
        close: () => isolate.dispose(),
      };
    };
  },
};

const make = await CONTENDERS[argv[2]]();
let opened, kept;
const through = async (world) => JSON.parse(await world.call(JSON.stringify(opened.event), JSON.stringify(opened.settings))).value;

async function fresh() {
  const world = make(opened.code, opened);
  try {
    return await through(world);
  } finally {
    await world.close();
  }
}

async function again() {
  kept ??= make(opened.code, opened);
  return through(kept);
}

const ANSWERS = {
  async open(request) {
    opened = request;
    return { value: await fresh() };
  },
  async sample({ world, count }) {
    const one = world === "fresh" ? fresh : again, ns = [];
    let value = await one();
    for (let i = 0; i < count; i++) {
      const began = hrtime.bigint();
      value = await one();
      ns.push(Number(hrtime.bigint() - began));
    }
    return { ns, value };
  },
  async live({ count }) {
    await through(make(opened.code, opened));
    const before = memoryUsage().rss, worlds = [];
    for (let i = 0; i < count; i++) worlds.push(make(opened.code, opened));
    for (const world of worlds) await through(world);
    return { bytes: (memoryUsage().rss - before) / count };
  },
  async probe({ code, seconds }) {
    opened.seconds = seconds;
    const began = hrtime.bigint();
    let how;
    try {
      how = await make(code, opened).call("{}", "{}");
    } catch (error) {
      how = `${error.name}: ${error.message}`;
    }
    return { seconds: Number(hrtime.bigint() - began) / 1e9, how: String(how) };
  },
};

for await (const line of createInterface({ input: stdin })) {
  const request = JSON.parse(line);
  stdout.write(`${JSON.stringify(await ANSWERS[request.do](request))}\n`);
}
process.exit(0);
