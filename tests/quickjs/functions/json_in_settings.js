// A mapping that people type into a setting as JSON
function getPath(object, path) { return path.split('.').reduce(function (at, key) { return at == undefined ? undefined : at[key] }, object) }
async function onGroup(event, settings) {
  let mapping
  try { mapping = JSON.parse(settings.mapping) } catch (error) { throw new ValidationError('the mapping is no JSON') }
  const record = {}
  for (const [field, path] of Object.entries(mapping)) {
    const value = getPath(event, path)
    if (value !== undefined) record[field] = typeof value == 'boolean' ? Number(value) : value instanceof Array ? value.join(';') : value
  }
  if (isNaN(Date.parse(record.created))) delete record.created
  else record.created = new Date(record.created).toISOString().split('T')[0]
  record.amount = Number(record.amount).toLocaleString('en-US', { style: 'currency', currency: 'USD' })
  return record
}
