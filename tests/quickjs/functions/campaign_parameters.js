// Campaigns out of addresses; robots are dropped
const BOTS = new RegExp(['bot', 'crawl', 'spider', 'slurp'].join('|'), 'i')
async function onPage(event) {
  if (BOTS.test(event.context?.userAgent)) throw new DropEvent('a robot')
  const raw = event.properties?.url ?? event.context?.page?.url
  let url
  try { url = new URL(raw) } catch (err) { console.debug(`${err.name} ${err.code}`); return event }
  const campaign = {}
  for (const [key, value] of url.searchParams) {
    const { groups } = /^utm_(?<name>\w+)$/.exec(key) || {}
    if (groups) campaign[groups.name === 'campaign' ? 'name' : groups.name] = value
  }
  url.searchParams.sort(); url.hash = ''; url.port = ''
  const names = [...raw.matchAll(/[?&]([^=&#]+)=/g)].map(([, name]) => name)
  return { ...event, context: { ...event.context, campaign }, properties: { host: url.host.replace(/^www\./, ''), path: decodeURI(url.pathname), search: url.search, names, last: names.at(-1) } }
}
