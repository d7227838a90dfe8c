// A chat's command: a form, signed with a timestamp, compared in constant time
async function onRequest(request, settings) {
  const raw = request.text()
  const ts = request.headers.get('X-Chat-Request-Timestamp')
  const mine = 'v0=' + crypto.createHmac('sha256', settings.signingSecret).update(`v0:${ts}:${raw}`).digest('hex')
  const theirs = request.headers.get('X-Chat-Signature') || ''
  if (mine.length !== theirs.length || !crypto.timingSafeEqual(Buffer.from(mine), Buffer.from(theirs))) throw new ValidationError('signature mismatch')
  const form = new URLSearchParams(raw)
  const [verb, ...words] = form.get('text').trim().split(/\s+/)
  Segment.track({ event: 'Command ' + form.get('command'), anonymousId: form.get('user_id'), properties: { verb, words, again: request.json().user_id } })
}
