// An admin key is an id and a hex secret; a short token is signed with it for every request
async function onIdentify(event, settings) {
  const [id, secret] = settings.adminKey.split(':')
  const token = jsonwebtoken.sign({}, Buffer.from(secret, 'hex'), { keyid: id, algorithm: 'HS256', expiresIn: '5m', audience: '/admin/' })
  const { header, payload } = jsonwebtoken.decode(token, { complete: true })
  const res = await fetch('https://blog.test/admin/members/', {
    method: 'POST', headers: { Authorization: `Ghost ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ members: [{ email: event.traits.email, name: [event.traits.first_name, event.traits.last_name].filter(x => !!x).join(' '), labels: Object.entries(settings.labels).map(([name, slug]) => ({ name, slug })) }] })
  })
  if (res.status == 422) {
    const body = await res.json()
    if (body.errors.some(({ context }) => /already exists/.test(context))) return 'exists'
    throw new InvalidEventPayload(body.errors[0].message)
  }
  try { jsonwebtoken.verify(token, 'other') } catch (e) { return [header.kid, payload.exp - payload.iat, payload.aud, e.name, e instanceof jsonwebtoken.JsonWebTokenError, res.status] }
}
