module.exports = require("@azure/identity");
