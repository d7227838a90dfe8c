// moment-timezone whose zones stay with the host until one is asked for: they are 780 KB.
const moment = require("moment-timezone/moment-timezone");
const { tz } = moment;
const ask = table("moment-zones");

/** What is looked up in the object and not there is looked up in the table. */
function lookUp(object, kind) {
  Object.setPrototypeOf(object, new Proxy({ __proto__: null }, {
    get: (_, name) => (typeof name === "string" ? ask(`${kind}:${name}`) : undefined),
  }));
  object.hasOwnProperty = Object.prototype.hasOwnProperty;
  Object.defineProperty(object, "hasOwnProperty", { enumerable: false });
}

lookUp(tz._zones, "zone");
lookUp(tz._links, "link");
lookUp(tz._names, "name");
tz.dataVersion = ask("version");

const { names } = tz; // of the zones that the author has added
tz.names = () => [...new Set([...names(), ...JSON.parse(ask("names"))])].sort();

const { guess } = tz;
tz.guess = (again) => guess(again) ?? "UTC"; // without Intl it compares zones with the clock's, which is UTC

for (const name of ["countries", "zonesForCountry"]) {
  const original = tz[name];
  tz[name] = (...given) => {
    if (!Object.keys(tz._countries).length) {
      tz.load({ version: tz.dataVersion, zones: [], links: [], countries: JSON.parse(ask("countries")) });
    }
    return original(...given);
  };
}
module.exports = moment;
