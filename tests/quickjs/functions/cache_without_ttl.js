async function onTrack(event, settings) {
  const [plans, again] = await Promise.all([cache.load('plans', loadPlans), cache.load('plans', loadPlans)])
  const never = await cache.load('never', -1, () => Promise.resolve(null))
  return { plan: plans[event.properties.plan], same: JSON.stringify(plans) === JSON.stringify(again), never }
}

async function loadPlans() {
  const answer = await (await fetch('https://plans.test/all')).json()
  return answer.reduce((byId, plan) => ({ ...byId, [plan.id]: plan.name }), {})
}
