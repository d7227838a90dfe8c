// What stands in for packages that would open connections of their own, or look at a terminal: package -> a file here,
// or another part.
export const STAND_INS = {
  "axios": "isthmus:axios",
  "debug": "debug.js",
  "form-data": "form-data.js",
  "lodash": "isthmus:lodash",
  "node-fetch": "node-fetch.js",
  "process/": "process.js",
  "request": "request.js",
};
