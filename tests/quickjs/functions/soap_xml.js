// Logs in to a SOAP API, reads the session id with a regular expression, and inserts a row
const escapeXml = (s) => String(s).replace(/[<>&'"]/g, (c) => ({ '<': '&lt;', '>': '&gt;', '&': '&amp;', "'": '&apos;', '"': '&quot;' }[c]))

async function login(settings) {
  const envelope = `<?xml version="1.0" encoding="utf-8" ?>
<env:Envelope xmlns:env="http://schemas.xmlsoap.org/soap/envelope/">
  <env:Body>
    <n1:login xmlns:n1="urn:partner.soap">
      <n1:username>${escapeXml(settings.username)}</n1:username>
      <n1:password>${escapeXml(settings.password)}</n1:password>
    </n1:login>
  </env:Body>
</env:Envelope>`
  const response = await fetch('https://login.soap.test/services/Soap/u/50.0', {
    method: 'POST', headers: { 'Content-Type': 'text/xml', SOAPAction: '""', charset: 'UTF-8' }, body: envelope
  })
  const xml = await response.text()
  const fault = /<faultstring>(?<message>[^]*?)<\/faultstring>/.exec(xml)
  if (fault) throw new ValidationError(fault.groups.message)
  const [, sessionId] = xml.match(/<sessionId>(.+?)<\/sessionId>/) || []
  const serverUrl = xml.match(/<serverUrl>(.+?)<\/serverUrl>/)[1]
  return { sessionId, instance: new URL(serverUrl).hostname.split('.')[0] }
}

async function onIdentify(event, settings) {
  const { sessionId, instance } = await login(settings)
  const res = await fetch(`https://${instance}.soap.test/sobjects/Lead`, {
    method: 'POST', headers: { Authorization: 'Bearer ' + sessionId, 'Content-Type': 'application/json' },
    body: JSON.stringify({ LastName: event.traits.name.split(' ').pop(), Email: event.traits.email })
  })
  return (await res.json()).id
}
