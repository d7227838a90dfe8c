// The package that FormData is the runtime's own of.
module.exports = FormData;
