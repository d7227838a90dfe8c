// A CSV of one row, uploaded as a form with its headers
async function onTrack(event, settings) {
  const form = new FormData()
  form.append('meta', JSON.stringify({ rows: 1 }), { contentType: 'application/json' })
  form.append('file', Buffer.from('id,name\n1,"' + event.properties.name + '"\n'), { filename: 'rows.csv', contentType: 'text/csv' })
  const headers = form.getHeaders({ 'X-Api-Key': settings.key })
  const res = await fetch('https://files.test/upload', { method: 'POST', body: form, headers })
  const text = form.getBuffer().toString()
  return { type: headers['content-type'].startsWith('multipart/form-data; boundary='), key: headers['x-api-key'], csv: text.includes('filename="rows.csv"\r\nContent-Type: text/csv\r\n\r\nid,name\n1,"Zoë"'), ok: res.ok, length: form.getLengthSync() == Buffer.byteLength(text), redirected: res.redirected }
}
