// An insert function: what a handler returns goes on. A handler that is left out blocks its type of event;
// DropEvent, or returning nothing, drops one. Types are stripped, not checked: that is tsc's part.

interface Person {
  email?: string
  email_sha256?: string
}

export async function onIdentify(event: IdentifyEvent<Person>): Promise<IdentifyEvent<Person>> {
  return { ...event, traits: masked(event.traits) }
}

export async function onTrack(event: TrackEvent<Person>): Promise<TrackEvent<Person>> {
  if (event.properties.email?.endsWith('@example.com')) {
    throw new DropEvent('internal traffic')
  }
  return { ...event, properties: masked(event.properties) }
}

function masked<T extends Person>({ email, ...rest }: T): Person {
  if (!email) return rest
  const email_sha256 = crypto.createHash('sha256').update(email.trim().toLowerCase()).digest('hex')
  return { ...rest, email_sha256 }
}
