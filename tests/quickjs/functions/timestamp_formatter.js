async function onRequest(request, settings) {
	const body = request.json();
	if (!body.properties.timestamp) return;
	try {
		const timestamp = body.properties.timestamp;
		const date = new Date(timestamp);
		if (new Date(timestamp)) {
			const formattedDate = formatDate(date);
			const properties = Object.assign(body.properties, { formattedDate, german: date.toLocaleDateString('de-DE', { timeZone: 'Europe/Berlin', weekday: 'long', year: 'numeric', month: 'long', day: 'numeric' }) });
			body.properties = properties;
		}
	} catch {
		console.log('Timestamp must be formatted correctly');
	}
	Segment.track(body);
}

function formatDate(withDate) {
	return withDate.toLocaleDateString('en-US');
}
