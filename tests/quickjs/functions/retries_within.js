const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

async function withRetries(fn, { retries = 3, delay = 1 } = {}) {
  for (let attempt = 1; ; attempt++) {
    try {
      return await fn(attempt)
    } catch (error) {
      if (error instanceof InvalidEventPayload || attempt >= retries) {
        if (error.constructor.name === 'RetryError') console.warn('gave up after %d attempts: %s', attempt, error.message)
        throw error
      }
      await sleep(delay * 2 ** attempt)
    }
  }
}

async function onTrack(event, settings) {
  return withRetries(async (attempt) => {
    const res = await fetch('https://flaky.test', { method: 'POST', body: String(attempt) })
    if (res.status === 400) throw new InvalidEventPayload(await res.text())
    if (!res.ok) throw new RetryError('HTTP ' + res.status)
    return attempt
  })
}
