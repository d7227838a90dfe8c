// A source function: gets a webhook, and says by Segment.identify, Segment.track, ... what it means.
// The messages go out only if it ends without an error. Types are stripped, not checked: that is tsc's part.

interface Payload {
  event: string
  user?: { id: string; email?: string }
  details?: Record<string, Json>
}

export async function onRequest(request: FunctionRequest): Promise<void> {
  const { event, user, details } = request.json<Payload>()
  if (!user?.id) {
    throw new InvalidEventPayload('the webhook names no user')
  }
  Segment.identify({ userId: user.id, traits: { email: user.email } })
  Segment.track({
    event,
    userId: user.id,
    properties: { ...details, source: request.headers.get('X-Source') ?? 'webhook' },
  })
}
