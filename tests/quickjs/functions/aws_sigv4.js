// Puts a record on a Kinesis stream, signed by hand (Signature Version 4)
const service = 'kinesis'

async function onTrack(event, settings) {
  const region = settings.region
  const host = `${service}.${region}.amazonaws.test`
  const amzDate = event.receivedAt.replace(/[:-]|\.\d{3}/g, '')
  const dateStamp = amzDate.substr(0, 8)
  const payload = JSON.stringify({
    StreamName: settings.stream,
    Data: Buffer.from(JSON.stringify(event.properties)).toString('base64'),
    PartitionKey: event.userId
  })
  const target = 'Kinesis_20131202.PutRecord'
  const canonicalHeaders = `content-type:application/x-amz-json-1.1\nhost:${host}\nx-amz-date:${amzDate}\nx-amz-target:${target}\n`
  const signedHeaders = 'content-type;host;x-amz-date;x-amz-target'
  const canonicalRequest = ['POST', '/', '', canonicalHeaders, signedHeaders, hash(payload)].join('\n')
  const scope = `${dateStamp}/${region}/${service}/aws4_request`
  const stringToSign = ['AWS4-HMAC-SHA256', amzDate, scope, hash(canonicalRequest)].join('\n')
  const signature = hmac(signingKey(settings.secretKey, dateStamp, region, service), stringToSign, 'hex')
  const response = await fetch(`https://${host}/`, {
    method: 'POST',
    headers: {
      'Content-Type': 'application/x-amz-json-1.1',
      'X-Amz-Date': amzDate,
      'X-Amz-Target': target,
      Authorization: `AWS4-HMAC-SHA256 Credential=${settings.accessKey}/${scope}, SignedHeaders=${signedHeaders}, Signature=${signature}`
    },
    body: payload
  })
  if (response.status !== 200) throw new RetryError(`kinesis: ${response.status} ${await response.text()}`)
  return (await response.json()).SequenceNumber
}

function hash(text) {
  return crypto.createHash('sha256').update(text, 'utf8').digest('hex')
}

function hmac(key, text, encoding) {
  return crypto.createHmac('sha256', key).update(text, 'utf8').digest(encoding)
}

function signingKey(key, dateStamp, regionName, serviceName) {
  const kDate = hmac('AWS4' + key, dateStamp)
  const kRegion = hmac(kDate, regionName)
  const kService = hmac(kRegion, serviceName)
  return hmac(kService, 'aws4_request')
}
