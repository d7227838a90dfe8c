const MUTATION = /* GraphQL */ `
  mutation Upsert($input: PersonInput!) { upsert(input: $input) { id } }
`
const onIdentifyImpl = async ({ userId, traits = {}, timestamp }, { endpoint }) => {
  const variables = { input: { externalId: userId, at: new Date(timestamp).toISOString(), traits: JSON.stringify(traits, (k, v) => (typeof v === 'string' ? v.trim() : v)) } }
  const { data, errors } = await (await fetch(new Request(endpoint, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ query: MUTATION.replace(/\s+/g, ' ').trim(), variables }) }))).json()
  if (errors?.length) throw new (errors.some(({ extensions }) => extensions?.code === 'THROTTLED') ? RetryError : InvalidEventPayload)(errors.map((e) => e.message).join('; '))
  return data.upsert.id
}
var onIdentify = onIdentifyImpl
