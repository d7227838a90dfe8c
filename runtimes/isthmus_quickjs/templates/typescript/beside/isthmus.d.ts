// Types of what a function is given and finds in its global scope, for your editor and for tsc; nothing of it runs.
// A type parameter says what you know of an event: TrackEvent<{ total: number }>.

type Json = string | number | boolean | null | Json[] | { [key: string]: Json };
type Properties = Record<string, any>;

/** What all events have. */
interface EventBase {
  messageId: string;
  userId?: string | null;
  anonymousId?: string | null;
  /** ISO 8601, as are the other times. */
  timestamp?: string;
  originalTimestamp?: string;
  sentAt?: string;
  receivedAt?: string;
  context?: EventContext;
  integrations?: Record<string, boolean | Record<string, unknown>>;
  version?: string | number;
  projectId?: string;
  channel?: string;
}

interface EventContext extends Properties {
  ip?: string;
  locale?: string;
  userAgent?: string;
  traits?: Properties;
  page?: { url?: string; path?: string; referrer?: string; search?: string; title?: string };
  campaign?: { name?: string; source?: string; medium?: string; term?: string; content?: string };
}

interface TrackEvent<P = Properties> extends EventBase {
  type: "track";
  event: string;
  properties: P;
}

interface IdentifyEvent<T = Properties> extends EventBase {
  type: "identify";
  traits: T;
}

interface PageEvent<P = Properties> extends EventBase {
  type: "page";
  name?: string;
  category?: string;
  properties: P;
}

interface ScreenEvent<P = Properties> extends EventBase {
  type: "screen";
  name?: string;
  category?: string;
  properties: P;
}

interface GroupEvent<T = Properties> extends EventBase {
  type: "group";
  groupId: string;
  traits: T;
}

interface AliasEvent extends EventBase {
  type: "alias";
  previousId: string;
}

interface DeleteEvent extends EventBase {
  type: "delete";
}

/** An event of any type; `event.type` tells which. */
type AnyEvent = TrackEvent | IdentifyEvent | PageEvent | ScreenEvent | GroupEvent | AliasEvent | DeleteEvent;

/** Values of an instance's settings: STRING, BOOLEAN, ARRAY and TEXT_MAP. */
type Settings = Record<string, string | boolean | string[] | Record<string, string> | undefined>;

/** What `onBatch` of a destination may return for each event, in the order of the events. */
interface BatchResult {
  /** 2xx delivered; 429 and 5xx are tried again, that event alone; anything else is not. */
  status: number;
  errormessage?: string;
  /** Where it is tried again, not before that: seconds, or text as a `Retry-After` header has it. */
  retryAfter?: number | string;
}

/** What `onRequest` of a source is given: a webhook. */
interface FunctionRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: Headers;
  readonly body: unknown;
  /** The body, parsed; a form is an object. */
  json<T = any>(): T;
  /** The body as it came, byte for byte, for signatures. */
  text(): string;
}

interface MessageBase {
  userId?: string;
  anonymousId?: string;
  messageId?: string;
  timestamp?: string | Date;
  sentAt?: string | Date;
  context?: Properties;
  integrations?: Record<string, boolean | Record<string, unknown>>;
}

/** What a source function sends: each call takes one message, and all go out if the function ends without an error. */
declare const Segment: {
  track(message: MessageBase & { event: string; properties?: Properties }): unknown;
  identify(message: MessageBase & { traits?: Properties }): unknown;
  page(message: MessageBase & { name?: string; properties?: Properties }): unknown;
  screen(message: MessageBase & { name?: string; properties?: Properties }): unknown;
  group(message: MessageBase & { groupId: string; traits?: Properties }): unknown;
  alias(message: MessageBase & { previousId: string }): unknown;
  set(object: { collection: string; id: string; properties?: Properties }): unknown;
};

/** There is no handler for this event. It is refused. */
declare class EventNotSupported extends Error {
  constructor(message?: string);
}
/** The event is not as it has to be. It is refused. */
declare class InvalidEventPayload extends Error {
  constructor(message?: string);
}
/** A value or a setting is not as it has to be. The event is refused. */
declare class ValidationError extends Error {
  constructor(message?: string);
}
/** It may go well later: the event is tried again, not before `retryAfter`: seconds, or text as a `Retry-After` header has it. */
declare class RetryError extends Error {
  constructor(message?: string);
  retryAfter?: number | string;
}
/** In an insert: the event is left out on purpose, which is no error. */
declare class DropEvent extends Error {
  constructor(message?: string);
}
/** What an uncaught failure of `fetch` is. */
declare class FetchError extends Error {
  readonly code?: string;
  readonly type: string;
}

/** Values kept between the calls of one instance; they go through JSON. */
declare const cache: {
  /** The value of a key; where there is none, `load` makes it. `ttl` is milliseconds, -1 for no end. */
  load<T>(key: string, ttl: number, load: () => T | Promise<T>): Promise<T>;
  load<T>(key: string, load: () => T | Promise<T>): Promise<T>;
  delete(key: string): void;
};

/** What the service that runs the function offers it, by name; only what the function was granted. */
declare function capability<T = unknown>(name: string, argument?: unknown): Promise<T>;
/** Why a capability gave nothing: `not_granted`, `invalid_argument`, `limit`, `timeout`, `failed`, or what it says itself. */
declare class CapabilityError extends Error {
  readonly code: string;
}

// Of Node's, as far as functions use it most. With @types/node installed, its own types come on top.

interface Buffer extends Uint8Array {
  toString(encoding?: string, start?: number, end?: number): string;
  equals(other: Uint8Array): boolean;
}
interface BufferConstructor {
  from(text: string, encoding?: string): Buffer;
  from(bytes: ArrayLike<number> | ArrayBufferLike): Buffer;
  concat(list: readonly Uint8Array[]): Buffer;
}
declare var Buffer: BufferConstructor;

interface FunctionHash {
  update(data: string | Uint8Array, encoding?: string): this;
  digest(): Buffer;
  digest(encoding: "hex" | "base64" | "base64url" | "latin1"): string;
}
interface Crypto {
  createHash(algorithm: string): FunctionHash;
  createHmac(algorithm: string, key: string | Uint8Array): FunctionHash;
  randomBytes(size: number): Buffer;
  timingSafeEqual(a: Uint8Array, b: Uint8Array): boolean;
}
