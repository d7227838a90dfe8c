module.exports = require("stripe");
