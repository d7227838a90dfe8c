const mailjet = require("node-mailjet/mailjet.web.js");

module.exports = Object.assign(mailjet.default, mailjet);
