// Everything people do with the console
async function onTrack(event, settings) {
  console.log('%s has %d items, %i, %f, %j %o%%', event.userId, '3', 4.7, '1.5', { a: 1 }, [1])
  console.log({ event: event.event, deep: { a: { b: { c: 1 } } }, list: [undefined, null, () => 1] })
  console.error(new TypeError('broken').message, NaN, -0, 10n, Symbol('s'))
  console.group('in'); console.info('indented'); console.groupEnd()
  console.count(); console.count(); console.assert(1 === 2, 'not %s', 'equal')
  console.table([{ a: 1 }])
  console.dir(new Map([['k', new Set([1])]]))
  console.log(JSON.stringify(new Date(0)), [new Date(0)], /x/g, null, 'it\'s', ["it's"])
}
