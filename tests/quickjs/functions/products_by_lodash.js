const mapKeysDeep = (obj, fn) => _.isArray(obj) ? obj.map((v) => mapKeysDeep(v, fn)) : _.isPlainObject(obj) ? _.mapValues(_.mapKeys(obj, (v, k) => fn(k)), (v) => mapKeysDeep(v, fn)) : obj
async function onTrack(event, settings) {
  const total = _.round(_.sumBy(event.properties.products, (p) => p.price * _.get(p, 'quantity', 1)), 2)
  const byCategory = _.chain(event.properties.products).groupBy('category').mapValues('length').toPairs().sortBy(0).fromPairs().value()
  const top = _.maxBy(event.properties.products, 'price')
  const debounced = _.once(() => _.uniqueId('call_'))
  debounced(); debounced()
  return { total, byCategory, top: _.pick(top, ['name', 'price']), snake: mapKeysDeep({ firstName: 'Zoë', deepObject: [{ innerKey: 1 }] }, _.snakeCase), text: _.template('<%= n %> of <%- who %>')({ n: total, who: 'A & B' }), id: debounced(), truncated: _.truncate('a long text about it', { length: 10 }), same: _.isEqual(_.cloneDeep(event), event), missing: _.difference(['a', 'b'], _.keys({ a: 1 })), set: _.set({}, 'a.b[0].c', 1) }
}
