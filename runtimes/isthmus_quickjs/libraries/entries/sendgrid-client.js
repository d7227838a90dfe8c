module.exports = require("@sendgrid/client");
