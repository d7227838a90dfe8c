const forward = (path) => async (event, settings) => {
  const res = await fetch(`${settings.url}${path}`, { method: 'POST', body: JSON.stringify({ id: event.userId, path }) })
  if (res.status == 429) throw new RetryError('slow down')
}

onTrack = forward('/events')
onIdentify = forward('/users')
onGroup = onIdentify
onPage = onScreen = async () => { throw new EventNotSupported('views are not sent') }
if (forward.length === 1) {
  onAlias = async function (event) {
    return [event.previousId, event.userId, arguments.length, this === undefined || this === globalThis]
  }
} else {
  onDelete = forward('/never')
}
