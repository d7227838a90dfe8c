// What is changed in packages' sources: file -> [what it says, what it is to say], each text found exactly once, each
// expression at least once.  And which builds of packages are taken, where they have one for what has fetch and no sockets.
const CREDENTIALS = "aws-sdk/lib/credentials";
/** Clients that providers of credentials use come with their whole API; they are to be AWS's own, defined when used. */
const STS = ["require('../../clients/sts')", "function (options) { return new AWS.STS(options); }"];
const COGNITO = ["require('../../clients/cognitoidentity')", "function (options) { return new AWS.CognitoIdentity(options); }"];

/** A model of akeyless, of which there are a thousand, is a part of its own: read when it is used. */
const MODEL = [/_interopRequireDefault\((require\("\.\.?\/model\/\w+"\))\)/g, '{get default(){return $1["default"]}}'];

/** Conditions of packages' exports, by the entry. */
export const CONDITIONS = {
  "azure-identity.js": ["workerd", "browser"],
  "azure-synapse.js": ["browser"],
};

export const PATCHES = {
  "akeyless/dist/index.js": [MODEL],
  "akeyless/dist/api/V2Api.js": [MODEL],
  "moment/moment.js": [
    ["aliasedRequire('./locale/' + name)", "require('isthmus:moment/locale/' + name)"],
  ],
  "node-mailjet/mailjet.web.js": [
    ["define((function(){return function(){var e={13:", "module.exports=((made)=>made())((function(){return function(){var e={13:"],
  ],
  "@google-cloud/storage/build/src/file.js": [
    // Uploads that can be resumed note on disk how far they are; there is none, so that an upload is one request.
    ["if (options.resumable === false) {", "if (!options.resumable) {"],
  ],
  "@typespec/ts-http-runtime/dist/browser/fetchHttpClient.js": [
    ["self.TransformStream", "globalThis.TransformStream"], // a part has no self: most packages take that for a browser
  ],
  "@typespec/ts-http-runtime/dist/browser/util/sha256.common.js": [[/self\.crypto/g, "globalThis.crypto"]],
  "aws-sdk/lib/node_loader.js": [
    ["util.domain = require('domain');", ""],
  ],
  "aws-sdk/lib/maintenance_mode_message.js": [
    ["setTimeout(function () {", "void (function () {"], // no timers while the code loads
  ],
  [`${CREDENTIALS}/chainable_temporary_credentials.js`]: [STS],
  [`${CREDENTIALS}/cognito_identity_credentials.js`]: [STS, COGNITO],
  [`${CREDENTIALS}/saml_credentials.js`]: [STS],
  [`${CREDENTIALS}/shared_ini_file_credentials.js`]: [STS],
  [`${CREDENTIALS}/temporary_credentials.js`]: [STS],
  [`${CREDENTIALS}/token_file_web_identity_credentials.js`]: [STS],
  [`${CREDENTIALS}/web_identity_credentials.js`]: [STS],
};
