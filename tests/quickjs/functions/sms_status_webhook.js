// Status callbacks of an SMS provider come as forms
async function onRequest(request, settings) {
  const body = await request.json()
  const { MessageSid, SmsStatus, To, ErrorCode } = body
  if (!SmsStatus) throw new EventNotSupported('no status in ' + Object.keys(body).join())
  Segment.track({
    event: `SMS ${SmsStatus[0].toUpperCase()}${SmsStatus.slice(1)}`,
    userId: To,
    messageId: `${MessageSid}-${SmsStatus}`,
    properties: { sid: MessageSid, error: ErrorCode && parseInt(ErrorCode, 10), retried: request.json() === body }
  })
}
