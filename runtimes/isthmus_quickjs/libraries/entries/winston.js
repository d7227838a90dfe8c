module.exports = require("winston");
