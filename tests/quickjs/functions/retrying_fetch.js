// The library that tries again, with a wait that grows
const fetchRetry = fetchretrylib.fetchretry(fetch, { retries: 3, retryDelay: (attempt) => Math.pow(2, attempt) * 10, retryOn: (attempt, error, response) => attempt < 3 && (error !== null || response.status >= 500) })
async function onTrack(event, settings) {
  const started = Date.now()
  const res = await fetchRetry('https://flaky.test/', { method: 'POST', body: new URLSearchParams({ a: '1', b: 'ü' }) })
  if (res.status >= 500) throw new RetryError('still ' + res.status)
  return [res.status, (await res.json()).ok, Date.now() - started >= 30]
}
