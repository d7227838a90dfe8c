// Each event of a batch goes out by itself; the batch tells how each has gone
async function onBatch(events, settings) {
  const results = await Promise.allSettled(events.map((event) => deliver(event, settings)))
  return results.map((result, index) => {
    if (result.status === 'fulfilled') return { status: 200 }
    const { reason } = result
    console.error(`${events[index].messageId}: ${reason.message}`)
    if (reason instanceof RetryError || reason.name === 'FetchError') return { status: 503, errormessage: reason.message }
    return { status: reason.status || 400, errormessage: reason.message }
  })
}
const deliver = async (event, { token }) => {
  const handler = { track: 'events', identify: 'people' }[event.type]
  if (!handler) throw Object.assign(new Error('no such type'), { status: 501 })
  const res = await fetch(`https://each.test/${handler}/${encodeURIComponent(event.messageId)}`, { method: 'PUT', headers: { Authorization: `Token token=${token}` } })
  if (res.status === 429) throw new RetryError('slow down')
  if (!res.ok) throw new InvalidEventPayload(await res.text())
}
async function onTrack(event, settings) { return deliver(event, settings) }
