// Dates, numbers and texts, as functions form them by hand
async function onTrack(event, settings) {
  const at = new Date(event.timestamp)
  const pad = (n, width = 2) => String(n).padStart(width, '0')
  const day = `${at.getUTCFullYear()}-${pad(at.getUTCMonth() + 1)}-${pad(at.getUTCDate())}`
  const epoch = Math.round(at / 1000), later = new Date(+at + 36e5)
  const words = 'fooBar_baz qux'.split(/(?=[A-Z])|[_\s]/)
  const slug = 'Crème Brûlée №1!'.normalize('NFD').replace(/[\u0300-\u036f]/g, '').replace(/[^\w]+/g, '-').replace(/^-+|-+$/g, '').toLowerCase()
  const sorted = [10, 9, 1].sort(), numeric = [10, 9, 1].sort((a, b) => a - b)
  const groups = [...'a1b22c333'.matchAll(/([a-z])(\d+)/g)].map(([, l, d]) => [l, +d])
  const unique = [...new Set([1, 1, 2])], deep = [[1, [2]], 3].flat(Infinity)
  const big = (2n ** 64n).toString(), hex = (255).toString(16), fixed = (1.005 * 100).toFixed(1)
  const sparse = Object.entries({ b: 1, a: undefined, 2: 'x', 1: 'y' })
  const late = structuredClone({ d: at }).d instanceof Date
  return { day, epoch, later: later.toJSON(), words, slug, sorted, numeric, groups, unique, deep, big, hex, fixed, sparse, late, iso: at.toISOString().split('T')[0], utc: at.toUTCString() }
}
