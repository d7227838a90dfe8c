// Written years ago, in a hurry: variables without declarations, loops over implicit globals
apiBase = 'https://collect.test'
names = ['email', 'phone', 'plan']

function onIdentify(event, settings) {
  body = {}
  for (i = 0; i < names.length; i++) {
    key = names[i]
    if (event.traits[key]) body[key] = event.traits[key]
  }
  for (k in event.traits.address) body['address_' + k] = event.traits.address[k]
  url = apiBase + '/users/' + encodeURIComponent(event.userId)
  return send(url, body)
}

async function send(url, body) {
  with_key = Object.assign({}, body, { seen: typeof seen == 'undefined' ? 1 : seen + 1 })
  response = await fetch(url, { method: 'put', body: JSON.stringify(with_key) })
  seen = 1
  return response.status
}
