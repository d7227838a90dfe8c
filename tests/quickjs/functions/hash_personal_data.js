// Walks through the whole event and hashes what looks personal
const PERSONAL = /^(email|phone|first_?name|last_?name)$/i
function walk(value, settings) {
  if (Array.isArray(value)) return value.map((each) => walk(each, settings))
  if (value !== null && typeof value === 'object') {
    return Object.keys(value).reduce((out, key) => {
      const raw = value[key]
      out[key] = PERSONAL.test(key) && typeof raw == 'string' ? crypto.createHash('sha256').update(settings.salt).update(raw).digest('hex') : walk(raw, settings)
      return out
    }, {})
  }
  return value
}
const onAny = async (event, settings) => walk(event, settings)
onTrack = onAny; onIdentify = onAny; onPage = onAny; onScreen = onAny; onGroup = onAny
