// Functions for isthmus in AssemblyScript.
//
//     import { JSON } from 'json-as'
//     import { Call, fail, run } from './isthmus'
//
//     @json class Order { event: string = '' }
//
//     export function onTrack(): void {
//       run((call: Call): string => {
//         const order = JSON.parse<Order>(call.event)
//         if (order.event != 'Order Completed') fail('EventNotSupported', order.event + ' is not sent on')
//         return '' // nothing
//       })
//     }
//
// An export named as a handler is one; what is left out makes its type of event unsupported. `throw` ends the call
// with exit status 1 and its message in the log. JSON.stringify of json-as 1.6 writes characters beyond U+FFFF wrongly
// at times: quote() is for texts that may have them. There are no console, Date and Math.random of JavaScript's: nothing gives them.
import { JSON } from 'json-as'
//
//     @json class Order { event: string = '' }
//
//     export function onTrack(): void {
//       run((call: Call): string => {
//         if (JSON.parse<Order>(call.event).event != 'Order Completed') throw new EventNotSupported('only orders are sent on')
//         return ''
//       })
//     }
//
// An export named as a handler is one; what is left out makes its type of event unsupported. A `throw` ends the call:
// AssemblyScript has no `catch`.
import { JSON } from 'json-as'

/** One call of one handler. */
export class Call {
  /** Its name: `onTrack`. */
  handler: string = ''
  /** JSON: the event; for `onBatch` an array of events; for `onRequest` a `Request`. */
  event: string = ''
  /** JSON: an object. */
  settings: string = ''
}

@json class Input {
  handler: string = ''
  @omitnull() event: JSON.Raw | null = null
  @omitnull() events: JSON.Raw | null = null
  @omitnull() request: JSON.Raw | null = null
  settings: JSON.Raw = new JSON.Raw('{}')
}

/** A webhook, as `onRequest` gets it; its body is text, or Base64 of bytes that are none. */
@json export class Request {
  url: string = ''
  method: string = ''
  headers: string[][] = []
  body: string = ''
}

/** What came of a request; where no response came, `status` is 0 and `error` says why. */
export class Response {
  constructor(
    public status: i32,
    public body: string,
    public headers: string[][],
    public error: string,
  ) {}
}

/** Runs a handler on the call that is there, and hands out the JSON that it returns; '' is nothing. */
export function run(handler: (call: Call) => string): void {
  const input = JSON.parse<Input>(read())
  const call = new Call()
  call.handler = input.handler
  call.event = input.event ? input.event!.data : input.events ? input.events!.data : input.request ? input.request!.data : ''
  call.settings = input.settings.data
  const returned = handler(call)
  if (returned != '') write('{"return":' + returned + '}')
}

/**
 * Ends the call with an error. RetryError is tried again, EventNotSupported, InvalidEventPayload and ValidationError
 * are refused, DropEvent has an insert leave its event out.
 */
export function fail(name: string, message: string): void {
  write('{"error":{"name":' + quote(name) + ',"message":' + quote(message) + '}}')
  proc_exit(0)
}

/** A line for the log; `level` is debug, info, warn or error. */
export function log(level: string, text: string): void {
  ask('{"op":"log","level":' + quote(level) + ',"text":' + quote(text) + '}')
}

/** A message of a source function, as JSON: `{"type": "track", "event": ..., "userId": ...}`. */
export function send(message: string): void {
  ask('{"op":"send","message":' + message + '}')
}

@json class Fetched {
  status: i32 = 0
  body: string = ''
  headers: string[][] = []
}

@json class Fault {
  name: string = ''
  message: string = ''
}

@json class Answer {
  @omitnull() value: JSON.Raw | null = null
  @omitnull() error: Fault | null = null
}

/** Sends a request; headers are pairs of name and value. */
export function fetch(method: string, url: string, headers: string[][] = [], body: string | null = null): Response {
  let request = '{"op":"fetch","method":' + quote(method) + ',"url":' + quote(url) + ',"headers":['
  for (let i = 0; i < headers.length; i++) {
    request += (i ? ',[' : '[') + quote(headers[i][0]) + ',' + quote(headers[i][1]) + ']'
  }
  request += body === null ? ']}' : '],"body":' + quote(body) + '}'
  const answer = JSON.parse<Answer>(ask(request))
  if (answer.error) return new Response(0, '', [], answer.error!.message)
  const fetched = JSON.parse<Fetched>(answer.value!.data)
  return new Response(fetched.status, fetched.body, fetched.headers, '')
}

/** A text as a JSON string. */
export function quote(text: string): string {
  let quoted = '"'
  let done = 0
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code >= 32 && code != 34 && code != 92) continue
    const hex = code.toString(16)
    quoted += text.substring(done, i) + '\\u' + '0000'.substring(hex.length) + hex
    done = i + 1
  }
  return quoted + text.substring(done) + '"'
}

/** A header by its name in any case, '' where there is none. */
export function header(headers: string[][], name: string): string {
  for (let i = 0; i < headers.length; i++) {
    if (headers[i][0].toLowerCase() == name.toLowerCase()) return headers[i][1]
  }
  return ''
}

/** Asks the host anything it knows, as JSON (fetch, sleep, cache_load, cache_store, ...): `{"value"}` or `{"error"}`. */
export function ask(request: string): string {
  const text = String.UTF8.encode(request)
  const answered = new ArrayBuffer(host_ask(changetype<usize>(text), text.byteLength))
  host_answer(changetype<usize>(answered))
  return String.UTF8.decode(answered)
}

/** What AssemblyScript calls where something is thrown; it is compiled before all else, and so can use little of it. */
export function aborted(message: string | null, file: string | null, line: u32, column: u32): void {
  const room = memory.data(1024)
  const size = message ? String.UTF8.encodeUnsafe(changetype<usize>(message), min(message.length, 300), room) : 0
  const vector = memory.data(12)
  store<u32>(vector, room as u32)
  store<u32>(vector, size as u32, 4)
  fd_write(2, vector, 1, vector + 8)
  proc_exit(1)
}

@external('isthmus', 'ask') declare function host_ask(at: usize, length: u32): u32
@external('isthmus', 'answer') declare function host_answer(at: usize): void
@external('wasi_snapshot_preview1', 'fd_read') declare function fd_read(fd: u32, vectors: usize, count: u32, got: usize): u32
@external('wasi_snapshot_preview1', 'fd_write') declare function fd_write(fd: u32, vectors: usize, count: u32, gave: usize): u32
@external('wasi_snapshot_preview1', 'proc_exit') declare function proc_exit(status: u32): void

const vector = memory.data(12)

function read(): string {
  let input = new Uint8Array(0)
  const part = new ArrayBuffer(65536)
  while (true) {
    store<u32>(vector, changetype<usize>(part) as u32)
    store<u32>(vector, part.byteLength, 4)
    if (fd_read(0, vector, 1, vector + 8) != 0 || load<u32>(vector, 8) == 0) return String.UTF8.decode(input.buffer)
    const longer = new Uint8Array(input.length + load<u32>(vector, 8))
    longer.set(input)
    memory.copy(longer.dataStart + input.length, changetype<usize>(part), load<u32>(vector, 8))
    input = longer
  }
}

function write(output: string): void {
  const text = String.UTF8.encode(output)
  store<u32>(vector, changetype<usize>(text) as u32)
  store<u32>(vector, text.byteLength, 4)
  fd_write(1, vector, 1, vector + 8)
}
