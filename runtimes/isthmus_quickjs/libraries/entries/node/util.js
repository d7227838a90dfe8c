module.exports = require("util/");
