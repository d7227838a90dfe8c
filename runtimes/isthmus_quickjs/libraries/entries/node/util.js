const util = require("util/");

util.inspect.custom = Symbol.for("nodejs.util.inspect.custom");
util.inspect.defaultOptions ??= {};
module.exports = { ...util, TextDecoder, TextEncoder };
