// What packages keep on disk between runs: kept for this call.
module.exports = class Configstore {
  constructor(_, defaults) {
    this.all = { ...defaults };
  }

  get(key) {
    return this.all[key];
  }

  set(key, value) {
    this.all[key] = value;
  }

  delete(key) {
    delete this.all[key];
  }

  clear() {
    this.all = {};
  }
};
