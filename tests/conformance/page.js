// What a web-platform test finds round it, and what becomes of its results.
let finish;
const results = new Promise((resolve) => {
  finish = resolve;
});

function settle(tests, status) {
  finish({
    status: status.status,
    message: `${status.message ?? ""}`,
    tests: tests.map((test) => ({ name: test.name.toWellFormed(), status: test.status, message: `${test.message ?? ""}`.toWellFormed() })),
  });
}

/** The suite's helpers read Blobs by it; it is no part of this runtime. */
class FileReader extends EventTarget {
  readAsText(blob) {
    this.#read(blob.text());
  }

  readAsArrayBuffer(blob) {
    this.#read(blob.arrayBuffer());
  }

  async #read(promise) {
    this.result = await promise;
    const event = new Event("load");
    this.dispatchEvent(event);
    this.onload?.(event);
    this.onloadend?.(event);
  }
}

async function onTrack({ page, sources }) {
  const { hash, host, hostname, href, origin, pathname, port, protocol, search } = new URL(page);
  const plain = fetch;
  globalThis.location = { hash, host, hostname, href, origin, pathname, port, protocol, search, toString: () => href };
  globalThis.GLOBAL = { isWindow: () => false, isWorker: () => false, isShadowRealm: () => false };
  globalThis.fetch = (input, init) =>
    plain(typeof input === "string" && !/^[a-z]+:/i.test(input) ? new URL(input, href).href : input, init);
  globalThis.FileReader = FileReader;
  let seen = false;
  for (const source of sources) {
    (0, eval)(source);
    if (!seen && typeof add_completion_callback === "function") {
      seen = true;
      add_completion_callback(settle);
    }
  }
  return results;
}
