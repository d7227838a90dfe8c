// What reads keys from .p12 files, of which a function has none.
exports.getPem = async () => {
  throw new Error("a key in a .p12 file can't be used: give the private_key of the service account's JSON");
};
