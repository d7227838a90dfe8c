// A destination function: each handler gets one event and the settings of one instance.
// A handler that is left out makes its type of event unsupported.
import { Call, fail, fetch, run, text } from './isthmus'

function deliver(call: Call): string {
  const endpoint = text(call.settings, 'endpoint')
  const response = fetch('POST', endpoint, [['Content-Type', 'application/json']], call.event)

  if (response.status == 0) fail('RetryError', response.error) // no answer: try again later
  if (response.status >= 500 || response.status == 429) fail('RetryError', `the server answered ${response.status}`)
  if (response.status >= 400) fail('InvalidEventPayload', `the server answered ${response.status}`)
  return ''
}

export function onTrack(): void {
  run(deliver)
}

export function onIdentify(): void {
  run(deliver)
}

export function onPage(): void {
  run(deliver)
}

export function onScreen(): void {
  run(deliver)
}

export function onGroup(): void {
  run(deliver)
}
