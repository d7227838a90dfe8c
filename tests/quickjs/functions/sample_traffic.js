// Keeps the same tenth of all users, whatever they do
async function onTrack(event, settings) {
  const key = event.userId || event.anonymousId
  const bucket = parseInt(crypto.createHash('md5').update(key).digest('hex').substring(0, 8), 16) % 100
  if (bucket >= Number(settings.percent)) throw new DropEvent(`bucket ${bucket}`)
  event.properties = { ...event.properties, bucket }
  return event
}
onIdentify = async (event) => event
