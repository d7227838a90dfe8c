// Looks a user up before it sends anything; what was tracked before a failure is not sent
async function onRequest(request, { apiKey }) {
  const { type, data } = request.json()
  Segment.track({ event: type, userId: data.user, properties: data })
  const res = await fetch(`https://users.test/${data.user}`, { headers: { Authorization: 'Bearer ' + apiKey } })
  if (res.status >= 500) throw new RetryError('users are away')
  const user = await res.json()
  Segment.identify({ userId: data.user, traits: user })
  if (user.blocked) throw new Error('blocked')
}
