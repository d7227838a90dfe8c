// A destination function: each handler gets one event and the settings of one instance.
// A handler that is left out makes its type of event unsupported.

async function onTrack(event, settings) {
  await send(event, settings)
}

async function onIdentify(event, settings) {
  await send(event, settings)
}

async function onPage(event, settings) {
  await send(event, settings)
}

async function onScreen(event, settings) {
  await send(event, settings)
}

async function onGroup(event, settings) {
  await send(event, settings)
}

async function onAlias(event, settings) {
  throw new EventNotSupported('alias is not supported')
}

async function onDelete(event, settings) {
  throw new EventNotSupported('delete is not supported')
}

async function send(event, settings) {
  let response
  try {
    response = await fetch(settings.endpoint, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(event),
    })
  } catch (error) {
    throw new RetryError(error.message) // no answer: try again later
  }
  if (response.status >= 500 || response.status === 429) {
    throw new RetryError(`the server answered ${response.status}`)
  }
  if (!response.ok) {
    throw new InvalidEventPayload(`the server answered ${response.status}`)
  }
}
