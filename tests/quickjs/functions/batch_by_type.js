// Groups a batch by type and sends the groups side by side; returns nothing, so all of it went through
async function onBatch(events) {
  const eventsByType = {}
  for (const event of events) {
    if (!(event.type in eventsByType)) eventsByType[event.type] = []
    eventsByType[event.type].push(event)
  }
  const promises = Object.entries(eventsByType).map(([type, events]) => {
    switch (type) {
      case 'track':
        return trackBatch(events)
      case 'identify':
        return identifyBatch(events)
      // ...handle other event types here...
    }
  })
  try {
    await Promise.all(promises)
  } catch (e) {
    if (e.retryable) throw new RetryError(`Retry: ${e.message}`)
    throw e
  }
}
const post = async (path, rows) => {
  const res = await fetch(new URL(path, 'https://groups.test/'), { method: 'POST', body: rows.map(row => JSON.stringify(row)).join('\n') })
  if (!res.ok) throw Object.assign(new Error(`${path} answered ${res.status}`), { retryable: res.status > 499 })
}
const trackBatch = (events) => post('track', events.map(({ event, properties = {} }) => ({ event, ...properties })))
const identifyBatch = (events) => post('identify', events.map(({ userId: id, traits }) => ({ id, traits })))
