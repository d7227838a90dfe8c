// What people know of node-fetch 2
async function onTrack(event, settings) {
  const res = await fetch('https://nf.test/data', { method: 'GET', headers: { 'User-Agent': 'me/1', Accept: ['a/b', 'c/d'] }, timeout: 3000, compress: true, redirect: 'follow' })
  const raw = res.headers.raw()
  const buffer = await res.clone().buffer()
  const names = []
  res.headers.forEach((value, name) => names.push(`${name}=${value}`))
  for (const [name, value] of res.headers) names.push(name)
  const json = await res.json()
  let twice
  try { await res.text() } catch (error) { twice = error.name }
  return { raw: raw['content-type'], length: buffer.length, hex: buffer.toString('hex').slice(0, 4), names, json, twice, used: res.bodyUsed, text: res.statusText, url: res.url, has: res.headers.has('X-One') }
}
