// moment as its locales see it: each adds itself, and the one in force stays. What a function's words name ("id", "it") is
// loaded with its code, and nobody has chosen it.
const moment = require("isthmus:moment");
exports.defineLocale = (name, config) => {
  const inForce = moment.locale(), made = moment.defineLocale(name, config);
  moment.locale(inForce);
  return made;
};
