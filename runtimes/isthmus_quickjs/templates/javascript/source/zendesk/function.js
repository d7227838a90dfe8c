// Turns Zendesk's ticket webhooks into users and events: who asked, and what became of the ticket.
//
// In Zendesk: Admin Center, Webhooks, Create webhook, "Zendesk events", and choose
// "Ticket created" and "Ticket status changed".

async function onRequest(request, settings) {
  if (settings.signingSecret) {
    checkSignature(request, settings.signingSecret)
  }
  const { type, time, detail: ticket, event } = request.json()

  switch (type) {
    case 'zen:event-type:ticket.created':
      Segment.identify({
        userId: userOf(ticket),
        traits: withoutEmpty({
          zendesk_id: ticket.requester_id,
          zendesk_organization_id: ticket.organization_id,
          last_ticket_at: ticket.created_at,
        }),
        timestamp: time,
      })
      return track('Ticket Created', ticket, time, { channel: ticket.via && ticket.via.channel })

    case 'zen:event-type:ticket.status_changed':
      return track(eventFor(event), ticket, time, {
        previous_status: lower(event.previous),
        hours_open: hoursBetween(ticket.created_at, time),
      })

    default:
      throw new EventNotSupported(`${type} is not supported`)
  }
}

function eventFor({ previous, current }) {
  if (lower(current) === 'solved') {
    return 'Ticket Solved'
  }
  return lower(previous) === 'solved' ? 'Ticket Reopened' : 'Ticket Status Changed'
}

function track(name, ticket, time, more) {
  Segment.track({
    event: name,
    userId: userOf(ticket),
    timestamp: time,
    properties: withoutEmpty({
      ticket_id: ticket.id,
      subject: ticket.subject,
      status: lower(ticket.status),
      priority: lower(ticket.priority),
      type: lower(ticket.type),
      tags: ticket.tags,
      group_id: ticket.group_id,
      assignee_id: ticket.assignee_id,
      ...more,
    }),
  })
}

function userOf(ticket) {
  if (!ticket || !ticket.requester_id) {
    throw new InvalidEventPayload('the ticket has no requester')
  }
  return `zendesk-${ticket.requester_id}`
}

// Zendesk signs the timestamp and the raw body, as they came.
function checkSignature(request, secret) {
  const timestamp = request.headers.get('X-Zendesk-Webhook-Signature-Timestamp')
  const given = Buffer.from(request.headers.get('X-Zendesk-Webhook-Signature') || '')
  const own = Buffer.from(
    crypto.createHmac('sha256', secret).update(timestamp + request.text()).digest('base64')
  )
  if (given.length !== own.length || !crypto.timingSafeEqual(given, own)) {
    throw new ValidationError('the webhook is not signed by Zendesk')
  }
}

function hoursBetween(start, end) {
  return Math.round((new Date(end) - new Date(start)) / 36e5 * 10) / 10
}

function lower(text) {
  return text ? text.toLowerCase() : undefined
}

function withoutEmpty(object) {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined && value !== null))
}
