// AWS's services, a table each: its API in every version of it, as the SDK loads it; and which there are.
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);

/** {name: {id, versions}} by the name under AWS. */
function services(AWS, all) {
  return Object.fromEntries(Object.keys(all).map((name) => [
    name, { id: AWS[name].serviceIdentifier, versions: Object.keys(AWS[name].services) },
  ]));
}

export const tables = () => {
  require("aws-sdk/lib/maintenance_mode_message").suppress = true;
  const all = require("aws-sdk/clients/all"), AWS = require("aws-sdk/lib/core");
  const made = { services: { all: JSON.stringify(services(AWS, all)) } };
  for (const [id, versions] of Object.entries(AWS.apiLoader.services)) {
    made[id] = Object.fromEntries(Object.keys(versions).map((version) => [version, JSON.stringify(versions[version])]));
  }
  return made;
};
