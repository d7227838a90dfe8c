// Newer idioms: private fields, static blocks, async generators, logical assignment, grouping
class Api {
  static #instances = 0
  #token
  static { Api.base = 'https://pages.test' }
  constructor(token) { this.#token = token; Api.#instances++ }
  static get count() { return Api.#instances }
  async *#pages(path) {
    for (let next = path; next;) {
      const res = await fetch(Api.base + next, { headers: new Headers([['authorization', `Bearer ${this.#token}`]]) })
      const { items, next: following } = await res.json()
      yield* items
      next = following
    }
  }
  async find(test) {
    const found = []
    for await (const item of this.#pages('/list')) test(item) && found.push(item)
    return found
  }
}
async function onTrack({ properties: { limit = 10n ** 2n, ...rest } = {} }, { token }) {
  const found = await new Api(token).find(({ n }) => n > 1)
  rest.seen ??= Object.fromEntries(found.map(({ n, ...more }) => [n, more]))
  const sum = found.map(({ n }) => n).toSorted((a, b) => b - a).findLast((n) => n)
  return { ...rest, limit: String(limit), count: Api.count, sum, text: 'a-b-c'.replaceAll('-', ' '), has: Object.hasOwn(rest, 'seen'), nested: structuredClone(new Map([['a', [1]]])).get('a').flat(Infinity), error: new Error('x', { cause: 'y' }).cause }
}
