module.exports = require("@google-cloud/bigquery");
