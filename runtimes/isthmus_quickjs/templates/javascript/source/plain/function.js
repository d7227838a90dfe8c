// A source function: gets a webhook, and says by Segment.identify, Segment.track, ... what it means.
// The messages go out only if it ends without an error.

async function onRequest(request, settings) {
  const body = request.json()
  const source = request.headers.get('X-Source') || 'webhook'

  if (!body.user || !body.user.id) {
    throw new InvalidEventPayload('the webhook names no user')
  }

  Segment.identify({
    userId: body.user.id,
    traits: { email: body.user.email },
  })
  Segment.track({
    event: body.event,
    userId: body.user.id,
    properties: { ...body.details, source },
  })
}
