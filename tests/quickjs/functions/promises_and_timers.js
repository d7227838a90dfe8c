function onTrack(event, settings, callback) {
  var order = []
  return new Promise(function (resolve, reject) {
    setTimeout(function () { order.push('timeout'); if (event.fail) reject(new RetryError('rejected')); else resolve(order) }, 1)
    setImmediate(() => order.push('immediate'))
    queueMicrotask(() => order.push('microtask'))
    Promise.resolve().then(() => order.push('then'))
    const interval = setInterval(() => { order.push('never') }, 10000)
    clearInterval(interval)
    order.push('sync', typeof callback)
  }).then(async function (seen) {
    const settled = await Promise.allSettled([Promise.reject(new Error('one')), 2, Promise.race([new Promise(() => {}), 3]), Promise.any([Promise.reject(0), 4])])
    return seen.concat(settled.map(s => s.status === 'fulfilled' ? s.value : s.reason.message))
  })
}
