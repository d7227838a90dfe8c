module.exports = require("@sentry/vercel-edge");
