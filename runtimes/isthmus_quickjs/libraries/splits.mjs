// Which files of packages are parts of their own: below a directory, from a file's path to the part's name, "" for none.
//
// A part is loaded when it is first asked for; with a function's code, where that has the part's last word as a word.
const first = (word) => word[0].toLowerCase() + word.slice(1);

export const PARTS = {
  "akeyless/dist": (file) => (/^(model\/\w+|ApiClient)$/.test(file) ? `akeyless/${file}` : ""),
  "moment/locale": (file) => `moment/locale/${file}`,
  "twilio/lib/base": (file) => `twilio/base/${file}`,
  "twilio/lib/rest": (file) => (/^[A-Z]\w*$/.test(file) && !["Api", "Twilio"].includes(file) ? `twilio/rest/${first(file)}` : ""),
  "@hubspot/api-client/lib/src": (file) => `hubspot/${file.replace(/(\w+)\/(\w+)Discovery$/, (_, directory, name) => first(name))}`,
};
