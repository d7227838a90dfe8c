// Lines of JSON, packed; a second try for what is too large
zlib = zlib.zlib;
async function onBatch(events, settings) {
  const send = async (some) => {
    const lines = some.map((e) => JSON.stringify(_.pick(e, ['messageId', 'event']))).join('\n') + '\n'
    const body = zlib.gzipSync(lines)
    if (zlib.gunzipSync(body).toString('utf8') !== lines) throw new Error('not the same')
    return fetch('https://lines.test/bulk', { method: 'POST', headers: { 'Content-Encoding': 'gzip', 'Content-Type': 'application/x-ndjson', 'Content-Length': body.length }, body })
  }
  let res = await send(events)
  if (res.status === 413 && events.length > 1) {
    const halves = _.chunk(events, Math.ceil(events.length / 2))
    for (const half of halves) res = await send(half)
  }
  if (res.status !== 200) throw new Error('HTTP ' + res.status)
}
