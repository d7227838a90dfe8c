// What stands in for packages that would open connections of their own, or look at a terminal: package -> a file here,
// or another part.
export const STAND_INS = {
  "axios": "isthmus:axios",
  "configstore": "configstore.js",
  "debug": "debug.js",
  "fast-crc32c": "fast-crc32c.js",
  "form-data": "form-data.js",
  "google-p12-pem": "google-p12-pem.js",
  "lodash": "isthmus:lodash",
  "node-fetch": "isthmus:node-fetch",
  "process/": "process.js",
  "request": "request.js",
};
