// Functions for isthmus in AssemblyScript.
//
//     import { Call, fail, run, text } from './isthmus'
//
//     export function onTrack(): void {
//       run((call: Call): string => {
//         const name = text(call.event, 'event')
//         if (name != 'Order Completed') fail('EventNotSupported', name + ' is not sent on')
//         return '' // nothing
//       })
//     }
//
// An export named as a handler is one; what is left out makes its type of event unsupported. JSON is kept as text:
// get() finds a value's text, text() and number() read one, quote() writes one. `throw` ends the call with exit status
// 1 and its message in the log. There are no console, Date and Math.random of JavaScript's: nothing gives them.

/** One call of one handler. */
export class Call {
  constructor(
    /** Its name: `onTrack`. */
    public handler: string,
    /** JSON: the event; for `onBatch` an array of events; for `onRequest` the request: `url`, `method`, `headers`, `body`. */
    public event: string,
    /** JSON: an object. */
    public settings: string,
  ) {}
}

/** What came of a request; where no response came, `status` is 0 and `error` says why. */
export class Response {
  constructor(
    public status: i32,
    /** Text; where it is not UTF-8, Base64 of it. */
    public body: string,
    /** JSON: an array of pairs of name and value; see `header`. */
    public headers: string,
    public error: string,
  ) {}
}

/** Runs a handler on the call that is there, and hands out the JSON that it returns; '' is nothing. */
export function run(handler: (call: Call) => string): void {
  const input = read()
  let event = get(input, 'event')
  if (event == '') event = get(input, 'events')
  if (event == '') event = get(input, 'request')
  const returned = handler(new Call(text(input, 'handler'), event, get(input, 'settings')))
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

/** Sends a request; headers are pairs of name and value. */
export function fetch(method: string, url: string, headers: string[][] = [], body: string | null = null): Response {
  let request = '{"op":"fetch","method":' + quote(method) + ',"url":' + quote(url) + ',"headers":['
  for (let i = 0; i < headers.length; i++) {
    request += (i ? ',[' : '[') + quote(headers[i][0]) + ',' + quote(headers[i][1]) + ']'
  }
  request += body === null ? ']}' : '],"body":' + quote(body) + '}'
  const answer = ask(request)
  if (get(answer, 'error') != '') return new Response(0, '', '[]', text(answer, 'error.message'))
  const value = get(answer, 'value')
  return new Response(i32(number(value, 'status')), text(value, 'body'), get(value, 'headers'), '')
}

/** A header by its name in any case, '' where there is none; of a request's or a response's headers. */
export function header(headers: string, name: string): string {
  let pair = get(headers, '0')
  for (let i = 1; pair != ''; i++) {
    if (text(pair, '0').toLowerCase() == name.toLowerCase()) return text(pair, '1')
    pair = get(headers, i.toString())
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

// ------------------------------------------------------------------ JSON

/** The text of a value by its path, '' where it is not there: `get(event, 'properties.products.0.price')`. */
export function get(json: string, path: string): string {
  const names = path.split('.')
  for (let i = 0; i < names.length && json != ''; i++) json = member(json, names[i])
  return json
}

/** A string by its path; `otherwise` where there is none. */
export function text(json: string, path: string, otherwise: string = ''): string {
  const value = get(json, path)
  return value.charCodeAt(0) == QUOTE ? unquote(value) : otherwise
}

/** A number by its path, NaN where there is none. */
export function number(json: string, path: string): f64 {
  const value = get(json, path)
  const first = value.charCodeAt(0)
  return first == 45 || (first >= 48 && first <= 57) ? parseFloat(value) : NaN
}

/** A JSON object with a member more; the last of one name counts. */
export function put(object: string, name: string, value: string): string {
  const body = object.startsWith('{') ? object.substring(1, object.lastIndexOf('}')).trim() : ''
  return '{' + body + (body == '' ? '' : ',') + quote(name) + ':' + value + '}'
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

const QUOTE = 34
const BACKSLASH = 92

/** The text of an object's member, or of an array's item by its number. */
function member(json: string, name: string): string {
  const object = json.charCodeAt(0) == 123
  let found = ''
  if (!object && json.charCodeAt(0) != 91) return found
  let at = blank(json, 1)
  for (let index = 0; at < json.length && json.charCodeAt(at) != 125 && json.charCodeAt(at) != 93; index++) {
    let key = ''
    if (object) {
      const end = valueEnd(json, at)
      key = unquote(json.substring(at, end))
      at = blank(json, blank(json, end) + 1) // the colon
    } else {
      key = index.toString()
    }
    const end = valueEnd(json, at)
    if (key == name) found = json.substring(at, end)
    at = blank(json, end)
    if (json.charCodeAt(at) == 44) at = blank(json, at + 1)
  }
  return found
}

function blank(json: string, at: i32): i32 {
  while (at < json.length && json.charCodeAt(at) <= 32) at++
  return at
}

/** Where the value ends that begins here. */
function valueEnd(json: string, at: i32): i32 {
  let depth = 0
  while (at < json.length) {
    const code = json.charCodeAt(at)
    if (code == QUOTE) {
      for (at++; at < json.length && json.charCodeAt(at) != QUOTE; at++) if (json.charCodeAt(at) == BACKSLASH) at++
      at++
    } else if (code == 123 || code == 91) {
      depth++
      at++
      continue
    } else if (code == 125 || code == 93) {
      if (depth-- == 0) return at
      at++
    } else {
      if (depth == 0 && (code == 44 || code == 58 || code <= 32)) return at
      at++
      continue
    }
    if (depth == 0) return min(at, json.length)
  }
  return json.length
}

function unquote(json: string): string {
  let plain = ''
  let done = 1
  for (let i = 1; i < json.length - 1; i++) {
    if (json.charCodeAt(i) != BACKSLASH) continue
    plain += json.substring(done, i)
    const code = json.charCodeAt(++i)
    if (code == 117) {
      plain += String.fromCharCode(i32(parseInt(json.substring(i + 1, i + 5), 16)))
      i += 4
    } else {
      const at = 'bfnrt'.indexOf(String.fromCharCode(code))
      plain += at < 0 ? String.fromCharCode(code) : '\b\f\n\r\t'.charAt(at)
    }
    done = i + 1
  }
  return plain + json.substring(done, json.length - 1)
}

// ------------------------------------------------------------------ the host

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
