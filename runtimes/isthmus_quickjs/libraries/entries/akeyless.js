module.exports = require("akeyless");
