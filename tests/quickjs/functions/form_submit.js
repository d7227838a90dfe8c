// The form-data package's own way of sending, and a form piped into a request
async function onTrack(event, settings) {
  const form = new FormData()
  form.append('id', 5)
  form.append('file', Buffer.from('a,b\n'), 'rows.csv')
  const first = await new Promise((resolve, reject) => form.submit('https://forms.test/in?x=1', (err, res) => {
    if (err) return reject(err)
    res.resume()
    resolve(res.statusCode)
  }))
  const second = await new Promise((resolve, reject) => {
    const req = https.request({ host: 'forms.test', path: '/piped', method: 'put', headers: form.getHeaders() }, (res) => resolve(res.statusCode))
    req.on('error', reject)
    form.pipe(req)
  })
  return [first, second]
}
