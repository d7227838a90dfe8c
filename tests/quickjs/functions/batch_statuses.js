// Sends events in one request, and tells Segment which of them did not go through
async function onBatch(events, settings) {
  const payload = events.map((event) => ({ id: event.messageId, name: event.event || event.type, email: event.traits?.email }))
  const res = await fetch('https://bulk.test/import', { method: 'POST', body: JSON.stringify(payload) })
  if (res.status === 503) throw new RetryError('all of it later')
  const { results } = await res.json()
  return events.map((event, i) => {
    const result = results.find((r) => r.id === event.messageId)
    if (!result) return { status: 500, errormessage: 'no answer for it' }
    if (result.error) return { status: 400, errormessage: result.error }
    return { status: 200 }
  })
}

async function onTrack(event, settings) {
  const [only] = await onBatch([event], settings)
  if (only.status >= 500) throw new RetryError(only.errormessage)
  if (only.status >= 400) throw new InvalidEventPayload(only.errormessage)
}
