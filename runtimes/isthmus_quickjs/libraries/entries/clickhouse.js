module.exports = require("@clickhouse/client-web");
