// Filters and changes a batch; falls back to single handlers where there is none
async function onBatch(events, settings) {
  return events.filter((event) => !event.context?.test).map((event) => ({ ...event, context: { ...event.context, batch: events.length } }))
}
async function onTrack(event) { return (await onBatch([event]))[0] }
