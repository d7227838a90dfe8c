/* Tested with jest on the author's machine, hence the exports at the end. */
'use strict'

let debug = false
try {
  debug = process && process.env.DEBUG === 'true'
} catch (e) {
  debug = false
}
if (typeof require === 'function') {
  global.fetch = require('node-fetch')
}

const ENDPOINT = (typeof process !== 'undefined' && process.env && process.env.ENDPOINT) || 'https://default.test/v1'

async function onTrack(event) {
  if (debug) console.log(event)
  const res = await fetch(ENDPOINT, { method: 'POST', body: JSON.stringify({ n: event.event }) })
  return { status: res.status, ok: res.ok }
}

if (typeof module !== 'undefined' && module.exports) {
  module.exports = { onTrack }
}
if (typeof exports !== 'undefined') exports.onTrack = onTrack
