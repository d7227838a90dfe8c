// Google Analytics 4, Measurement Protocol
var GA_URL = 'https://ga.test/mp/collect'
async function onPage(event, settings) { return collect(event, settings, 'page_view', { page_location: event.properties.url, page_title: event.properties.title }) }
async function onTrack(event, settings) { return collect(event, settings, snakeCase(event.event), flatten(event.properties)) }

function snakeCase(name) {
  return name.trim().replace(/([a-z\d])([A-Z])/g, '$1_$2').replace(/[\s\-]+/g, '_').toLowerCase().slice(0, 40)
}
function flatten(object, prefix, into) {
  into = into || {}
  for (var key in object) {
    if (!object.hasOwnProperty(key)) continue
    var value = object[key], name = prefix ? prefix + '_' + key : key
    if (value && typeof value === 'object' && !(value instanceof Array)) flatten(value, name, into)
    else into[name] = value instanceof Array ? value.join(',') : value
  }
  return into
}
function collect(event, settings, name, params) {
  var client = (event.context && event.context.ga_client_id) || event.anonymousId
  if (!client) throw new InvalidEventPayload('no client id')
  var query = new URLSearchParams()
  query.append('measurement_id', settings.measurementId)
  query.append('api_secret', settings.apiSecret)
  return fetch(GA_URL + '?' + query.toString(), {
    method: 'POST',
    body: JSON.stringify({ client_id: client, user_id: event.userId || undefined, timestamp_micros: Date.parse(event.timestamp) * 1000, events: [{ name: name, params: params }] })
  }).then(function (res) {
    if (res.status >= 500) throw new RetryError('GA is away')
    return { status: res.status, type: res.headers.get('Content-Type') }
  })
}
