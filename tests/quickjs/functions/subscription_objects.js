// Every webhook of a billing service, as objects of a collection and as events
async function onRequest(request, settings) {
  let eventBody = request.json();
  const wh_metadata = { wh_id: eventBody.id, wh_occurred_at: eventBody.occurred_at }
  switch (eventBody.event_type) {
    case 'subscription_created':
    case 'subscription_changed': {
      const { subscription: sub, customer } = eventBody.content
      Segment.set({ collection: 'subscriptions', id: sub.id, properties: Object.assign({ plan: sub.plan_id, mrr: sub.mrr / 100 }, wh_metadata) })
      Segment.track({ event: _.startCase(eventBody.event_type), userId: customer.id, properties: { ...wh_metadata, ..._.omit(sub, ['addons', 'object']) } })
      break
    }
    case 'customer_deleted':
      Segment.set({ collection: 'customers', id: eventBody.content.customer.id, properties: { deleted: true } })
      break
    default:
      console.log('not handled:', eventBody.event_type)
  }
}
