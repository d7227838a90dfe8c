// node-fetch, whose ways the runtime's fetch has.
module.exports = Object.assign((...given) => fetch(...given), { default: fetch, FetchError, Headers, Request, Response });
