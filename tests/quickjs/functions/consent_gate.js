// Lets an event on only where its user has agreed
function onTrack(event, settings) { return gate(event, settings) }
function onPage(event, settings) { return gate(event, settings) }
function gate(event, settings) {
  const categories = new Set(settings.required)
  const given = event.context?.consent?.categoryPreferences ?? {}
  const missing = [...categories].filter((category) => !given[category])
  if (missing.length) throw new DropEvent(`no consent for ${missing.join(' and ')}`)
  return Object.assign({}, event, { integrations: { ...event.integrations, All: true } })
}
