// Traits of the profile go into every event that has a user
const API = 'https://profiles.test/v1/spaces/'
async function fetchTraits(settings, id) {
  const url = `${API}${settings.spaceId}/collections/users/profiles/user_id:${id}/traits?limit=200&include=${['plan', 'ltv'].join(',')}`
  const response = await fetch(url, { headers: { Authorization: 'Basic ' + btoa(settings.token + ':') } })
  if (response.status === 404) return {}
  if (!response.ok) throw new RetryError(`profiles: ${response.status}`)
  const body = await response.json()
  return body.traits
}
async function enrich(event, settings) {
  if (!event.userId) return event
  const traits = await cache.load(`traits-${event.userId}`, 60 * 1000, () => fetchTraits(settings, event.userId))
  event.context ||= {}
  event.context.traits = { ...traits, ...(event.context.traits ?? {}) }
  return event
}
onTrack = onIdentify = onPage = enrich
async function onDelete(event) { return event }
