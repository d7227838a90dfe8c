// Sends completed and refunded orders, and the customers they are from, to an HTTP API.

async function onTrack(event, settings) {
  switch (event.event) {
    case 'Order Completed':
      return await send('/orders', orderFrom(event, settings), event, settings)
    case 'Order Refunded':
      return await send('/refunds', refundFrom(event), event, settings)
    default:
      throw new EventNotSupported(`"${event.event}" is no event of an order`)
  }
}

async function onIdentify(event, settings) {
  const { email, firstName, lastName, phone } = event.traits
  console.log(`customer ${event.userId}`)
  const name = [firstName, lastName].filter(Boolean).join(' ')
  return await send('/customers', { id: event.userId, email, name, phone }, event, settings)
}

function orderFrom(event, settings) {
  const { order_id, products, currency, shipping = 0, tax = 0, discount = 0, coupon } = event.properties
  if (!order_id) {
    throw new InvalidEventPayload('the order has no order_id')
  }
  const lines = products.map(({ sku, name, price, quantity = 1 }) => ({
    sku,
    name,
    quantity,
    amount: cents(price * quantity),
  }))
  const goods = lines.reduce((sum, line) => sum + line.amount, 0)
  const total = goods + cents(shipping) + cents(tax) - cents(discount)
  console.log(`order ${order_id}: ${lines.length} lines, ${total / 100}`)
  return {
    id: order_id,
    customer: event.userId || event.anonymousId,
    placed_at: event.timestamp,
    currency: currency || settings.currency || 'USD',
    lines,
    total,
    coupon,
  }
}

function refundFrom(event) {
  const { order_id, total } = event.properties
  return { order: order_id, amount: cents(total), refunded_at: event.timestamp }
}

async function send(path, body, event, settings) {
  const response = await fetch(settings.endpoint + path, {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json',
      Authorization: `Bearer ${settings.apiKey}`,
      'Idempotency-Key': event.messageId, // an event that is sent again counts once
    },
    body: JSON.stringify(body),
  })
  if (response.status === 429 || response.status >= 500) {
    throw new RetryError(`the API answered ${response.status}`)
  }
  if (!response.ok) {
    throw new InvalidEventPayload(`the API answered ${response.status}: ${await response.text()}`)
  }
  return await response.json()
}

// Money as whole cents: 0.1 + 0.2 is not 0.3.
function cents(amount) {
  return Math.round(amount * 100)
}
