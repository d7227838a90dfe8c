// Puts its own things in the place of globals
const realFetch = fetch
fetch = async (url, options) => {
  console.log('→', (options && options.method) || 'GET', url.toString())
  return realFetch(url, options)
}
console.info = (...args) => console.log('[info]', ...args)
Date.now = () => 1700000000000
String.prototype.titled = function () { return this.replace(/\b\w/g, (c) => c.toUpperCase()) }
Array.prototype.last = function () { return this[this.length - 1] }
window.shared = { calls: 0 }

async function onTrack(event) {
  shared.calls++
  const res = await fetch(new URL('/x?y=1', 'https://replaced.test'), { method: 'POST', body: Buffer.from('héllo') })
  console.info(res.status)
  return [event.event.titled(), [1, 2, 3].last(), Date.now(), shared.calls, global.shared === self.shared]
}
