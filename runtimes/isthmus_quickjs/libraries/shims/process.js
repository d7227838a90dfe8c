// The process that parts are given; packages look for a global one.
module.exports = process;
