'use strict';
// Runs in a test of the author's own as well: looks for what it runs in before it uses it
let axios, env = 'production';
try { axios = require('axios') } catch (e) { env += ':' + e.name }
try { if (process.env.NODE_ENV === 'test') env = 'test' } catch (e) {}
const isNode = typeof process !== 'undefined' && process.versions != null && process.versions.node != null;
const http = axios ? axios.post : async (url, data) => ({ status: (await fetch(url, { method: 'POST', body: JSON.stringify(data) })).status });

async function onTrack(event, settings) {
  const { status } = await http(settings.url, { event: event.event });
  return [env, isNode, status, typeof window, typeof document, typeof XMLHttpRequest, typeof globalThis.fetch, typeof setImmediate];
}
if (typeof exports !== 'undefined') { exports.onTrack = onTrack }
if (typeof module !== 'undefined' && module.exports) { module.exports = { onTrack } }
