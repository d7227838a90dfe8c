const defaults = { retries: 0 }
const options = { ...defaults, ...(typeof overrides === 'undefined' ? {} : overrides) }

const routes = {
  track: ({ event, properties }) => [`/events/${event.replaceAll(' ', '-')}`, properties],
  identify: ({ userId, traits }) => [`/people/${userId}`, traits],
  group: ({ groupId, traits }) => [`/companies/${groupId}`, traits],
}

async function deliver(event, { hosts, region }) {
  const host = hosts[region] || hosts.default
  if (!host) throw new ValidationError(`no host for ${region}`)
  const [path, payload] = routes[event.type](event)
  const { status } = await fetch(`https://${host}${encodeURI(path)}`, { method: 'POST', body: JSON.stringify(payload ?? null) })
  return { status, options }
}

async function onTrack(...args) { return deliver(...args) }
async function onIdentify(...args) { return deliver(...args) }
async function onGroup(...args) { return deliver(...args) }
async function onDelete(event, settings) {
  const { status } = await fetch(`https://${settings.hosts.default}/people/${event.userId}`, { method: 'DELETE' })
  if (status !== 404 && status >= 400) throw new RetryError(`delete: ${status}`)
}
