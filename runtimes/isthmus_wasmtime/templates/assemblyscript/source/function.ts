// A source function: gets a webhook, and says by send() what it means.
// The messages go out only if it ends without an error.
import { JSON } from 'json-as'
import { Call, Request, fail, header, quote, run, send } from './isthmus'

@json class User {
  id: string = ''
  @omitnull() email: string | null = null
}

@json class Webhook {
  event: string = ''
  user: User = new User()
  details: Map<string, JSON.Raw> = new Map()
}

@json class Identify {
  type: string = 'identify'
  userId: string = ''
  traits: Map<string, string | null> = new Map()
}

@json class Track {
  type: string = 'track'
  event: string = ''
  userId: string = ''
  properties: Map<string, JSON.Raw> = new Map()
}

function receive(call: Call): string {
  const request = JSON.parse<Request>(call.event)
  const webhook = JSON.parse<Webhook>(request.body)
  if (webhook.user.id == '') fail('InvalidEventPayload', 'the webhook names no user')

  const identify = new Identify()
  identify.userId = webhook.user.id
  identify.traits.set('email', webhook.user.email)
  send(JSON.stringify(identify))

  const track = new Track()
  track.event = webhook.event
  track.userId = webhook.user.id
  track.properties = webhook.details
  const source = header(request.headers, 'X-Source')
  track.properties.set('source', new JSON.Raw(quote(source == '' ? 'webhook' : source)))
  send(JSON.stringify(track))
  return ''
}

export function onRequest(): void {
  run(receive)
}
