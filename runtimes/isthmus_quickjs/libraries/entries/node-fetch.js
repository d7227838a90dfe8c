// node-fetch 2, whose ways the runtime's fetch has, but for streams of Node's as bodies.

/** A body as fetch takes it: what comes in pieces is put together. */
async function whole(body) {
  if (typeof body?.pipe !== "function" || typeof body.getBuffer === "function") return body;
  const pieces = [];
  for await (const piece of body) pieces.push(Buffer.from(piece));
  return Buffer.concat(pieces);
}

/** A response's body as a stream of Node's, which takes it when it is read. */
function streamOf(response) {
  const { Readable } = require("stream");
  return new Readable({
    read() {
      response.buffer().then((bytes) => {
        this.push(bytes);
        this.push(null);
      }, (error) => this.destroy(error));
    },
  });
}

async function send(input, options) {
  const response = await fetch(input, options && { ...options, body: await whole(options.body) });
  let stream;
  return Object.defineProperty(response, "body", { get: () => (stream ??= streamOf(response)), configurable: true });
}

module.exports = Object.assign(send, { default: send, FetchError, Headers, Request, Response });
