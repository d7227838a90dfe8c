module.exports = require("oauth");
