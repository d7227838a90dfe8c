module.exports = require("@sendgrid/mail");
