module.exports = require("xml");
