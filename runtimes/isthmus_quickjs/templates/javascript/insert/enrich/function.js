// Stands before a destination that must not see email addresses: drops test traffic, hashes
// addresses, and adds the price of a user's plan.

async function onIdentify(event, settings) {
  const { email, plan } = event.traits
  if (email) {
    const domain = email.split('@').pop().toLowerCase()
    if ((settings.internalDomains || []).includes(domain)) {
      throw new DropEvent(`traffic of ${domain}`)
    }
    event.traits.email_sha256 = hashed(email, settings)
    delete event.traits.email
  }
  if (plan) {
    const price = (settings.planPrices || {})[plan]
    if (price === undefined) {
      throw new InvalidEventPayload(`there is no plan ${plan}`)
    }
    event.traits.plan_price = Number(price)
  }
  return event
}

async function onTrack(event, settings) {
  if (event.context.headless) {
    return // nothing returned is an event dropped
  }
  const properties = event.properties
  for (const name of Object.keys(properties)) {
    if (typeof properties[name] === 'string' && /^\S+@\S+\.\S+$/.test(properties[name])) {
      properties[`${name}_sha256`] = hashed(properties[name], settings)
      delete properties[name]
    }
  }
  return event
}

async function onPage(event) {
  const url = new URL(event.properties.url)
  for (const name of [...url.searchParams.keys()]) {
    if (/email|token/i.test(name)) {
      url.searchParams.delete(name)
    }
  }
  event.properties.url = url.toString()
  return event
}

function hashed(email, settings) {
  return crypto.createHash('sha256').update(settings.salt + email.trim().toLowerCase()).digest('hex')
}
