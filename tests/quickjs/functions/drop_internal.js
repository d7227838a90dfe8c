async function onTrack(event, settings) {
  const email = (((event || {}).context || {}).traits || {}).email || event.properties.email || ''
  if (/@(internal|example)\.test$/.test(email)) throw new DropEvent('internal user')
  if (event.event.startsWith('Debug')) return
  if (event.event === 'Broken') return 'done'
  if (event.event === 'List') return [event]
  event.event = event.event.trim()
  delete event.properties.email
  event.context = Object.assign(event.context || {}, { insert: true })
  return event
}
