// A record for a stream, signed by aws4 and sent by Node's https, not by fetch
async function onTrack(event, settings) {
  const body = JSON.stringify({ StreamName: settings.stream, PartitionKey: event.userId || event.anonymousId, Data: Buffer.from(JSON.stringify(event)).toString('base64') })
  const opts = aws4.aws4.sign({
    host: 'kinesis.eu-west-1.amazonaws.com', service: 'kinesis', region: 'eu-west-1', method: 'POST', path: '/', body,
    headers: { 'Content-Type': 'application/x-amz-json-1.1', 'X-Amz-Target': 'Kinesis_20131202.PutRecord' }
  }, { accessKeyId: settings.key, secretAccessKey: settings.secret })
  const { status, text } = await new Promise((resolve, reject) => {
    const req = https.request(opts, (res) => {
      const chunks = []
      res.on('data', (chunk) => chunks.push(chunk))
      res.on('end', () => resolve({ status: res.statusCode, text: Buffer.concat(chunks).toString() }))
    })
    req.on('error', reject)
    req.write(opts.body)
    req.end()
  })
  const answer = JSON.parse(text)
  if (status === 400 && /Throughput/.test(answer.__type)) throw new RetryError(answer.message)
  if (status !== 200) throw new Error(`${answer.__type}: ${answer.message}`)
  return { shard: answer.ShardId, signed: /^AWS4-HMAC-SHA256 Credential=AK\/\d{8}\/eu-west-1\/kinesis\/aws4_request/.test(opts.headers.Authorization) }
}
