module.exports = require("@google-cloud/storage");
