// Time zones as moment-timezone packs them, one text each.
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);

export default () => {
  const { tz } = require("moment-timezone");
  const { countries, version, zones } = require("moment-timezone/data/packed/latest.json");
  const table = { version, names: JSON.stringify(tz.names()), countries: JSON.stringify(countries) };
  for (const packed of zones) table[`zone:${packed.split("|")[0].toLowerCase().replaceAll("/", "_")}`] = packed;
  for (const name in tz._links) table[`link:${name}`] = tz._links[name];
  for (const name in tz._names) table[`name:${name}`] = tz._names[name];
  return table;
};
