// Sends events in bulk to an API that takes many records at once, and answers for each of them.

async function onBatch(events, settings) {
  const results = events.map(() => ({ status: 200 }))

  // What the API would refuse anyway is not sent, and costs the other events of the batch nothing.
  const places = []
  const records = []
  events.forEach((event, place) => {
    try {
      records.push(recordFrom(event))
      places.push(place)
    } catch (error) {
      results[place] = { status: 400, errormessage: error.message }
    }
  })
  if (records.length === 0) {
    return results
  }

  const answer = await post(records, settings)
  for (const { index, status, error } of answer.failed || []) {
    results[places[index]] = { status, errormessage: error } // 429 and 5xx are tried again, that event alone
  }
  return results
}

// Single events come here where there are too few of them for a batch.
async function onTrack(event, settings) {
  await sendOne(event, settings)
}

async function onIdentify(event, settings) {
  await sendOne(event, settings)
}

async function sendOne(event, settings) {
  const [{ status, errormessage }] = await onBatch([event], settings)
  if (status === 429 || status >= 500) {
    throw new RetryError(errormessage)
  }
  if (status >= 400) {
    throw new InvalidEventPayload(errormessage)
  }
}

function recordFrom(event) {
  switch (event.type) {
    case 'track':
      return { kind: 'event', id: event.messageId, user: event.userId, name: event.event, data: event.properties }
    case 'identify':
      if (!event.traits.email) {
        throw new InvalidEventPayload(`the user ${event.userId} has no email`)
      }
      return { kind: 'user', id: event.userId, data: event.traits }
    default:
      throw new EventNotSupported(`${event.type} not supported`)
  }
}

async function post(records, settings) {
  const response = await fetch(`${settings.endpoint}/bulk`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'X-Api-Key': settings.apiKey },
    body: JSON.stringify({ records }),
  })
  if (response.status === 429 || response.status >= 500) {
    throw new RetryError(`the API answered ${response.status}`) // the whole batch is tried again
  }
  if (!response.ok) {
    throw new Error(`the API answered ${response.status}: ${await response.text()}`)
  }
  return response.json()
}
