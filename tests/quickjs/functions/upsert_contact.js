// Updates a contact of a CRM, or creates it where there is none
const api = (settings) => ({
  request: async (method, path, body) => {
    const response = await fetch(`https://crm.test${path}`, {
      method,
      headers: { Accept: 'application/json', 'Content-Type': 'application/json', Authorization: `Bearer ${settings.token}` },
      body: body && JSON.stringify(body),
    })
    const text = await response.text()
    let json
    try { json = JSON.parse(text) } catch { json = { raw: text } }
    if (response.ok) return json
    const error = new Error(json.message || `${method} ${path} failed: ${response.status} ${response.statusText}`)
    error.status = response.status
    throw error
  },
})

async function onIdentify(event, settings) {
  const { traits: { email, firstName, lastName, ...rest } } = event
  if (!email) throw new EventNotSupported('contacts have an email')
  const properties = { email, firstname: firstName, lastname: lastName, ...Object.fromEntries(Object.entries(rest).filter(([, value]) => typeof value !== 'object').map(([key, value]) => [key.toLowerCase().replace(/\W/g, '_'), String(value)])) }
  const { request } = api(settings)
  try {
    const { id } = await request('PATCH', `/contacts/${encodeURIComponent(email)}?idProperty=email`, { properties })
    return { updated: id }
  } catch (error) {
    if (error.status === 404) return { created: (await request('POST', '/contacts', { properties })).id }
    if (error.status === 429 || error.status >= 500) throw new RetryError(error.message)
    throw error
  } finally {
    console.log('contact', email.replace(/^[^@]+/, '***'), { keys: Object.keys(properties).length })
  }
}
