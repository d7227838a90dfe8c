// Adds people to a list, and takes them off, as they enter and leave an audience
async function onIdentify(event, settings) {
	const audience = event.context.personas.computation_key
	const entered = event.traits[audience]
	return update(entered ? 'PUT' : 'DELETE', audience, event.context.traits ? event.context.traits.email : event.traits.email)
}
async function onTrack(event, settings) {
	const { personas: { computation_key: key, computation_class } } = event.context
	if (computation_class !== 'audience') throw new EventNotSupported('not an audience')
	const method = { 'Audience Entered': 'PUT', 'Audience Exited': 'DELETE' }[event.event]
	if (!method) return
	return update(method, event.properties.audience_key || key, event.properties.email)
}
function update(method, list, email) {
	const md5 = crypto.createHash('md5').update(email.toLowerCase()).digest('hex')
	return fetch(`https://lists.test/${list}/${md5}`, { method }).then(res => res.json()).then(({ size }) => size, () => null)
}
