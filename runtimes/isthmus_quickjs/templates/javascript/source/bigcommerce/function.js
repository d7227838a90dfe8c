// BigCommerce's order webhook carries an id and no more.  This fetches the order with its products,
// and sends the customer and an "Order Completed" as Segment's spec for ecommerce has them.

async function onRequest(request, settings) {
  const { scope, data, producer } = request.json()
  if (scope !== 'store/order/created') {
    throw new EventNotSupported(`${scope} is not supported`)
  }
  if (producer !== `stores/${settings.storeHash}`) {
    throw new ValidationError(`the webhook is of ${producer}, not of this store`)
  }

  const [order, products] = await Promise.all([
    get(`/v2/orders/${data.id}`, settings),
    get(`/v2/orders/${data.id}/products`, settings),
  ])
  const { email, first_name, last_name, company, phone, country_iso2 } = order.billing_address
  // customer_id is 0 for whoever ordered as a guest.
  const who = order.customer_id ? { userId: String(order.customer_id) } : { anonymousId: `guest-${email}` }

  Segment.identify({
    ...who,
    traits: { email, firstName: first_name, lastName: last_name, company, phone, country: country_iso2 },
  })
  Segment.track({
    ...who,
    event: 'Order Completed',
    messageId: `bigcommerce-${settings.storeHash}-order-${order.id}`, // a webhook that comes twice counts once
    timestamp: new Date(order.date_created).toISOString(),
    properties: {
      order_id: String(order.id),
      total: Number(order.total_inc_tax),
      subtotal: Number(order.subtotal_ex_tax),
      tax: Number(order.total_tax),
      shipping: Number(order.shipping_cost_inc_tax),
      discount: Number(order.discount_amount) + Number(order.coupon_discount),
      currency: order.currency_code,
      payment_method: order.payment_method,
      status: order.status,
      products: products.map((product) => ({
        product_id: String(product.product_id),
        sku: product.sku,
        name: product.name,
        price: Number(product.price_inc_tax),
        quantity: product.quantity,
      })),
    },
  })
}

async function get(path, settings) {
  const base = settings.apiBase || 'https://api.bigcommerce.com'
  const response = await fetch(`${base}/stores/${settings.storeHash}${path}`, {
    headers: { 'X-Auth-Token': settings.accessToken, Accept: 'application/json' },
  })
  if (response.status === 429 || response.status >= 500) {
    throw new RetryError(`BigCommerce answered ${response.status}`)
  }
  if (!response.ok) {
    throw new Error(`BigCommerce answered ${response.status} to ${path}`)
  }
  return response.json()
}
