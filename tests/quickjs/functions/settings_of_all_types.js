async function onTrack(event, settings) {
  if (!settings.endpoint) throw new ValidationError('Settings "endpoint" is required')
  const allowed = settings.allowedEvents
  if (allowed.length && !allowed.includes(event.event)) throw new EventNotSupported('event not in the allow list')
  const out = {}
  for (const [from, to] of Object.entries(settings.mapping)) {
    const value = from.split('.').reduce((at, key) => (at === undefined || at === null ? undefined : at[key]), event)
    if (value !== undefined) to.split('.').reduce((at, key, i, path) => (at[key] = i === path.length - 1 ? value : at[key] || {}), out)
  }
  if (settings.dryRun === true) return out
  await fetch(settings.endpoint, { method: 'POST', body: JSON.stringify(out) })
}
