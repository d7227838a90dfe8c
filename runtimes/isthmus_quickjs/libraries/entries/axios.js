// axios as it is built for browsers, whose adapter is fetch.
const axios = require("axios/dist/browser/axios.cjs");

/** Clients give requests without a body an empty one, which fetch refuses. */
function withoutEmpty(config) {
  if (config.data === "" && /^(get|head)$/i.test(config.method)) config.data = undefined;
  return config;
}

const send = axios.getAdapter("fetch");
axios.defaults.adapter = (config) => send(withoutEmpty(config));
module.exports = axios;
