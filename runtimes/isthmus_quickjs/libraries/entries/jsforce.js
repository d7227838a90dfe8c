module.exports = require("jsforce");
