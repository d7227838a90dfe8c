// Events outside of a shop's hours are dropped; the rest gets local times
async function onTrack(event, settings) {
  const local = moment.tz(event.timestamp, 'America/New_York')
  if (local.isoWeekday() > 5) throw new DropEvent(`on a ${local.format('dddd')}`)
  if (!local.isBetween(local.clone().startOf('day').add(9, 'hours'), local.clone().hour(17).startOf('hour'), null, '[)')) throw new DropEvent('closed')
  event.properties = Object.assign({}, event.properties, {
    local: local.format('YYYY-MM-DD HH:mm z'), offset: local.utcOffset(), dst: local.isDST(), week: local.isoWeek(),
    since: moment.duration(local.diff(moment.utc('2024-01-01'))).humanize(), later: local.add(1, 'month').endOf('month').toISOString()
  })
  return event
}
