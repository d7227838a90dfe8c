// CRC-32C (Castagnoli), of which the package has native code alone.
let table;

function tableOf() {
  return Uint32Array.from({ length: 256 }, (_, byte) => {
    for (let bit = 0; bit < 8; bit++) byte = byte & 1 ? (byte >>> 1) ^ 0x82f63b78 : byte >>> 1;
    return byte;
  });
}

exports.calculate = (data, before = 0) => {
  const bytes = Buffer.from(data), length = bytes.length;
  table ??= tableOf();
  let crc = ~before;
  for (let i = 0; i < length; i++) crc = (crc >>> 8) ^ table[(crc ^ bytes[i]) & 0xff];
  return ~crc >>> 0;
};
