// A source function: gets a webhook, and says by send() what it means.
// The messages go out only if it ends without an error.
import { Call, fail, get, header, put, quote, run, send, text } from './isthmus'

function receive(call: Call): string {
  const body = text(call.event, 'body')
  const user = text(body, 'user.id')
  if (user == '') fail('InvalidEventPayload', 'the webhook names no user')

  const traits = put('{}', 'email', quote(text(body, 'user.email')))
  send('{"type":"identify","userId":' + quote(user) + ',"traits":' + traits + '}')

  const source = header(get(call.event, 'headers'), 'X-Source')
  const properties = put(get(body, 'details'), 'source', quote(source == '' ? 'webhook' : source))
  const name = quote(text(body, 'event'))
  send('{"type":"track","event":' + name + ',"userId":' + quote(user) + ',"properties":' + properties + '}')
  return ''
}

export function onRequest(): void {
  run(receive)
}
