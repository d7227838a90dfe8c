module.exports = require("@azure/synapse-access-control");
