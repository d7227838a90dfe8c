// Parameters in order, an MD5 over them and the secret; the data goes along as Base64
Object.prototype.toString.call(null)
String.prototype.repeatTwice = function () { return this + this }
Array.prototype.last = function () { return this[this.length - 1] }
async function onTrack(event, settings) {
  const data = btoa(unescape(encodeURIComponent(JSON.stringify({ event: event.event, name: event.properties.name }))))
  let params = { data, time: 0, expire: 1700000600, api_key: settings.apiKey }, args = []
  Object.keys(params).sort().forEach(function (key) { args.push(key + '=' + params[key]) }, this)
  const sig = crypto.createHash('md5').update(args.join('') + settings.apiSecret).digest('hex')
  const query = new URLSearchParams({ ...params, sig })
  query.delete('time')
  const res = await fetch('https://mp.test/track?' + query)
  const text = await res.text()
  return [text == 1, JSON.parse(decodeURIComponent(escape(atob(data)))).name, args.last().repeatTwice().slice(0, 6)]
}
