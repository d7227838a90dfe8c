// An advertiser's conversions API: names and addresses hashed, a proof of the app's secret, prices as numbers
const hash = (value) => value == null || value === '' ? undefined : crypto.createHash('sha256').update(String(value).trim().toLowerCase(), 'utf8').digest('hex')

async function onTrack(event, settings) {
  const { properties = {}, context: { traits = {}, userAgent, ip, page } = {} } = event
  const proof = crypto.createHmac('sha256', settings.appSecret).update(settings.accessToken).digest('hex')
  const data = {
    event_name: { 'Order Completed': 'Purchase', 'Product Added': 'AddToCart' }[event.event] || event.event,
    event_time: Math.floor(new Date(event.timestamp) / 1000),
    event_id: event.messageId,
    event_source_url: page?.url,
    user_data: _.omitBy({
      em: hash(traits.email), ph: hash(traits.phone && traits.phone.replace(/\D+/g, '')), ct: hash(traits.address?.city),
      client_user_agent: userAgent, client_ip_address: ip, external_id: [event.userId, event.anonymousId].filter(Boolean).map(hash)
    }, _.isUndefined),
    custom_data: { currency: (properties.currency || 'usd').toUpperCase(), value: +Number(properties.revenue ?? 0).toFixed(2), contents: _.map(properties.products, ({ product_id: id, quantity = 1 }) => ({ id, quantity })) }
  }
  const url = new URL(`https://graph.test/v13.0/${settings.pixel}/events`)
  url.searchParams.set('access_token', settings.accessToken)
  url.searchParams.append('appsecret_proof', proof)
  const response = await fetch(url.toString(), { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ data: [data] }) })
  if (response.status >= 500 || response.status === 429) throw new RetryError(`Failed with ${response.status}`)
  const { error } = await response.json()
  if (error) throw new ValidationError(error.message)
}
