// Node's os: a machine without particulars.
() => {
  "use strict";
  return {
    EOL: "\n", devNull: "/dev/null",
    arch: () => "x64", availableParallelism: () => 1, cpus: () => [], endianness: () => "LE", freemem: () => 0, homedir: () => "/",
    hostname: () => "localhost", loadavg: () => [0, 0, 0], machine: () => "x86_64", networkInterfaces: () => ({}),
    platform: () => "linux", release: () => "", tmpdir: () => "/tmp", totalmem: () => 0, type: () => "Linux", uptime: () => 0,
    userInfo: () => ({ uid: -1, gid: -1, username: "function", homedir: "/", shell: null }), version: () => "",
    constants: { signals: {}, errno: {} },
  };
}
