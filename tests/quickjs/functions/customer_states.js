/**
 * Handle incoming HTTP request
 * @param  {FunctionRequest} request
 * @param  {FunctionSettings} settings
 */
 async function onRequest(request, settings) {
	const { state, ...rest } = request.json();
	const shopDomain = request.headers.get('x-shop-domain');
	const hardId = rest => {
		const { id, email, phone } = rest;
		const value = (email && email.toLowerCase()) || id || phone;
		return String(value)
	};
	const disabled = state === 'disabled' ? true : false;
	if (disabled) {
		const commonProps = await generateCommonProps({ state, domain: shopDomain, ...rest });
		Segment.identify({ userId: hardId(rest), traits: commonProps });
		Segment.track({ event: 'customer_disabled', userId: hardId(rest), properties: commonProps });
	}
}

//---------------------------------------------------------------------
//                        HELPERS
//---------------------------------------------------------------------
const toSnakeCase = str =>
	str &&
	str
		.match(/[A-Z]{2,}(?=[A-Z][a-z]+[0-9]*|\b)|[A-Z]?[a-z]+[0-9]*|[A-Z]|[0-9]+/g)
		.map(x => x.toLowerCase())
		.join('_');

const generateCommonProps = async props => {
	const out = {};
	for (let key in props) if (props.hasOwnProperty(key) && props[key] !== null) out[toSnakeCase(key)] = props[key];
	return out;
};
