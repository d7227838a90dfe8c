// A destination function: each exported handler gets one event and the settings of one instance.
// A handler that is left out makes its type of event unsupported. Types are stripped, not checked: that is tsc's part.

interface Config {
  endpoint: string
  apiKey: string
}

interface Order {
  order_id?: string
  total: number
  currency?: string
}

export async function onTrack(event: TrackEvent<Order>, settings: Config): Promise<void> {
  if (event.event !== 'Order Completed') {
    throw new EventNotSupported(`"${event.event}" is not sent on`)
  }
  const { order_id, total, currency = 'USD' } = event.properties
  if (!order_id) {
    throw new InvalidEventPayload('the order has no order_id')
  }
  await send('/orders', { id: order_id, customer: event.userId, total, currency }, settings)
}

export async function onIdentify(event: IdentifyEvent<{ email?: string }>, settings: Config): Promise<void> {
  await send('/customers', { id: event.userId, email: event.traits.email?.toLowerCase() }, settings)
}

async function send(path: string, body: object, settings: Config): Promise<void> {
  let response: Response
  try {
    response = await fetch(settings.endpoint + path, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${settings.apiKey}` },
      body: JSON.stringify(body),
    })
  } catch (error) {
    throw new RetryError((error as Error).message) // no answer: try again later
  }
  if (response.status >= 500 || response.status === 429) {
    throw new RetryError(`the server answered ${response.status}`)
  }
  if (!response.ok) {
    throw new InvalidEventPayload(`the server answered ${response.status}`)
  }
}
