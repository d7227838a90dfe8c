// Loads a function into an isolate that has no network, and hands it an event: in a new one, or by the name of one that is kept.
const ENTRY = `
export default {
  async fetch(request) {
    const [event, settings] = await request.json();
    return Response.json({ value: await onTrack(event, settings) });
  },
};`;

export default {
  async fetch(request, env) {
    const { name, code, milliseconds, given } = await request.json();
    const worker = () => ({
      compatibilityDate: "2026-01-01",
      mainModule: "main.js",
      modules: { "main.js": code + ENTRY },
      globalOutbound: null,
      limits: { cpuMs: milliseconds },
    });
    const loaded = name === "" ? env.LOADER.load(worker()) : env.LOADER.get(name, worker);
    return loaded.getEntrypoint().fetch("http://function/", { method: "POST", body: JSON.stringify(given) });
  },
};
