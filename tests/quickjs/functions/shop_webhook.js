// Webhooks of a shop, signed over the raw body
const TOPICS = {
  'orders/create': ({ id, email, customer, total_price, line_items }) => {
    const userId = customer ? String(customer.id) : undefined
    if (customer) Segment.identify({ userId, traits: { email: customer.email || email, orders: customer.orders_count } })
    Segment.track({ event: 'Order Completed', userId, anonymousId: userId ? undefined : crypto.createHash('sha256').update(email).digest('base64').substring(0, 16),
      properties: { order_id: id, total: parseFloat(total_price), products: line_items.map(({ product_id, quantity }) => ({ product_id, quantity })) } })
  },
  'customers/delete': ({ id }) => Segment.set({ collection: 'deleted_customers', id: `${id}`, properties: { deleted: true } }),
}

async function onRequest(request, settings) {
  const topic = request.headers.get('x-shop-topic')
  const expected = crypto.createHmac('sha256', settings.secret).update(request.text(), 'utf8').digest('base64')
  const given = request.headers.get('X-Shop-Hmac-Sha256') || ''
  if (given.length !== expected.length || !crypto.timingSafeEqual(Buffer.from(given), Buffer.from(expected))) {
    throw new ValidationError('wrong signature')
  }
  const handle = TOPICS[topic]
  if (!handle) throw new EventNotSupported(`${topic} is not supported`)
  handle(request.json())
}
