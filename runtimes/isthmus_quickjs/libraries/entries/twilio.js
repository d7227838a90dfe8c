module.exports = require("twilio");
