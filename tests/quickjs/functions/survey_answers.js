// One webhook, many events: each answer of a survey
async function onRequest(request, settings) {
  const { event_id, form_response: { hidden = {}, answers, definition: { fields }, submitted_at } } = request.json()
  const user = hidden.user_id ? { userId: hidden.user_id } : { anonymousId: event_id }
  const titles = new Map(fields.map((f) => [f.id, f.title]))
  for (const { type, field, ...answer } of answers) {
    const value = type === 'choices' ? answer.choices.labels : type === 'choice' ? answer.choice.label : answer[type]
    Segment.track({ ...user, event: 'Question Answered', timestamp: submitted_at, properties: { question: titles.get(field.id), value }, unknown: 'left out' })
  }
  Segment.identify({ ...user, traits: answers.filter((a) => a.type === 'email').reduce((t, a) => ({ ...t, email: a.email }), {}), context: { ip: '0.0.0.0' } })
}
