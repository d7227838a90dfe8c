// Sends an SMS through an API with basic authentication and a form as its body
async function onTrack(event, settings) {
  const Body = `Hello ${event.properties.name}`;
  const To = event.properties.phone;
  const From = settings.fromNumber;
  return await sendText({ From, To, Body }, settings);
}

async function sendText(params, settings) {
  const endpoint = `https://api.sms.test/2010-04-01/Accounts/${settings.accountId}/Messages.json`;
  const response = await fetch(endpoint, {
    method: "POST",
    headers: {
      Authorization: `Basic ${btoa(settings.accountId + ":" + settings.token)}`,
      "Content-Type": "application/x-www-form-urlencoded;charset=UTF-8",
    },
    body: toFormParams(params),
  });
  if (!response.ok) {
    const { message, code } = await response.json();
    throw new InvalidEventPayload(`${code}: ${message}`);
  }
  return response.json();
}

function toFormParams(params) {
  return Object.entries(params)
    .map(([key, value]) => {
      const paramName = encodeURIComponent(key);
      const param = encodeURIComponent(value);
      return `${paramName}=${param}`;
    })
    .join("&");
}
