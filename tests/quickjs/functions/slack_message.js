// Posts a message to a Slack channel for each order
async function onTrack(event, settings) {
	if (event.event !== 'Order Completed') return

	const { total, currency = 'USD', products } = event.properties
	const items = (products || []).map(p => `• ${p.name} x${p.quantity || 1}`).join('\n')
	const res = await fetch(settings.webhookUrl, {
		method: 'POST',
		headers: new Headers({ 'Content-Type': 'application/json' }),
		body: JSON.stringify({
			channel: '#orders',
			text: `New order by *${event.userId || event.anonymousId}*: ${total} ${currency}`,
			attachments: items ? [{ text: items }] : undefined
		})
	})
	if (res.status >= 500 || res.status === 429) {
		throw new RetryError(`Failed with ${res.status}`)
	}
	const reply = await res.text()
	if (reply !== 'ok') throw new Error('Slack said ' + reply)
}
