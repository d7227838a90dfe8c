// What is changed in packages' sources: file -> [what it says, what it is to say], each found exactly once.
export const PATCHES = {
  "moment/moment.js": [
    ["aliasedRequire('./locale/' + name)", "require('isthmus:moment/locale/' + name)"],
  ],
};
