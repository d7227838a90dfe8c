class ApiError extends Error {
  constructor(response, body) {
    super(`API ${response.status}`)
    this.name = this.constructor.name
    this.response = response
    this.body = body
    Error.captureStackTrace && Error.captureStackTrace(this, ApiError)
  }
  get transient() { return this.response.status >= 500 }
}

class Client {
  static #version = 'v2'
  #key
  retried = 0
  constructor({ key, base }) { this.#key = key; Object.assign(this, { base }) }
  static from(settings) { return new this(settings) }
  async *pages(path) {
    let next = path
    while (next) {
      const page = await this.#get(next)
      yield* page.items
      next = page.next
    }
  }
  async #get(path) {
    const response = await fetch(`${this.base}/${Client.#version}${path}`, { headers: [['X-Key', this.#key]] })
    const body = await response.json()
    if (!response.ok) throw new ApiError(response, body)
    return body
  }
}

async function onTrack(event, settings) {
  const found = []
  try {
    for await (const item of Client.from(settings).pages('/items?page=1')) found.push(item)
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    if (error.transient) throw new RetryError(`${error.name}: ${error.message}`)
    throw error
  }
  return found
}
