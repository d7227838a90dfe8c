// Conversions API of an ad network: personal data is sent as SHA-256
const sha256 = value => value ? crypto.createHash('sha256').update(String(value).trim().toLowerCase()).digest('hex') : undefined
const onlyDigits = phone => phone && phone.replace(/[^0-9]/g, '')

async function onTrack(event, settings) {
	const { context: { traits = {}, ip, userAgent, page = {} } = {}, properties = {} } = event
	const userData = _compact({
		em: sha256(traits.email || properties.email),
		ph: sha256(onlyDigits(traits.phone)),
		fn: sha256(traits.first_name),
		ct: sha256((traits.address || {}).city?.replace(/\s/g, '')),
		client_ip_address: ip,
		client_user_agent: userAgent,
		fbp: properties.fbp
	})
	if (!userData.em && !userData.ph) throw new InvalidEventPayload('needs an email or a phone number')
	const body = {
		data: [{
			event_name: ({ 'Order Completed': 'Purchase', 'Product Added': 'AddToCart' })[event.event] ?? event.event,
			event_time: Math.floor(new Date(event.timestamp).getTime() / 1000),
			event_id: event.messageId,
			event_source_url: page.url,
			action_source: 'website',
			user_data: userData,
			custom_data: { value: Number((properties.revenue ?? properties.total ?? 0).toFixed(2)), currency: (properties.currency || 'usd').toUpperCase(),
				contents: (properties.products || []).map(({ product_id: id, quantity = 1, price: item_price }) => ({ id, quantity, item_price })) }
		}]
	}
	const res = await fetch(`https://graph.test/v18.0/${settings.pixelId}/events?access_token=${settings.accessToken}`, { method: 'post', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
	const json = await res.json()
	if (json.error) {
		if (json.error.is_transient) throw new RetryError(json.error.message)
		throw new ValidationError(`${json.error.type} ${json.error.code}`)
	}
	return json
}

function _compact(object) {
	Object.keys(object).forEach(key => object[key] === undefined && delete object[key])
	return object
}
