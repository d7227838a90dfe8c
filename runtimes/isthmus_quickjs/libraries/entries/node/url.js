const legacy = require("url/");

/** The path of a file: URL, as Node has it on Linux. */
function fileURLToPath(given) {
  const url = typeof given === "string" ? new URL(given) : given;
  if (url.protocol !== "file:") throw Object.assign(new TypeError("The URL must be of scheme file"), { code: "ERR_INVALID_URL_SCHEME" });
  return decodeURIComponent(url.pathname);
}

module.exports = {
  ...legacy, URL, URLSearchParams, fileURLToPath,
  pathToFileURL: (path) => new URL(`file://${encodeURI(path).replace(/[?#]/g, encodeURIComponent)}`),
  domainToASCII: (domain) => URL.parse?.(`http://${domain}`)?.hostname ?? "",
  urlToHttpOptions: ({ hash, hostname, href, password, pathname, port, protocol, search, username }) => ({
    protocol, hostname, hash, search, pathname, path: pathname + search, href, ...(port && { port: Number(port) }),
    ...((username || password) && { auth: `${decodeURIComponent(username)}:${decodeURIComponent(password)}` }),
  }),
};
