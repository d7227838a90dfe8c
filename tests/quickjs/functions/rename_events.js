const names = { order_completed: 'Order Completed', signup: 'Signed Up' }
async function onTrack(event, settings) {
  const { event: name, properties = {}, ...rest } = event
  const camel = ([key, value]) => [key.replace(/_(\w)/g, (_, c) => c.toUpperCase()), value]
  return { ...rest, event: names[name] ?? name, properties: Object.fromEntries(Object.entries(properties).map(camel)) }
}
async function onIdentify(event) { return event }
async function onPage(event) { throw new DropEvent() }
async function onScreen(event) { throw new ValidationError('no screens here') }
async function onGroup(event) { return Promise.reject(new RetryError('again')) }
