// Everything that code does with errors
async function onTrack(event) {
  switch (event.event) {
    case 'string': throw 'plain text'
    case 'object': throw { name: 'RetryError', message: 'shaped like one' }
    case 'renamed': { const e = new Error('by name'); e.name = 'RetryError'; throw e }
    case 'subclass': { class Mine extends RetryError {} throw new Mine('inherits') }
    case 'cause': throw new ValidationError('outer', { cause: new Error('inner') })
    case 'wrapped':
      try { null.x } catch (e) { throw new InvalidEventPayload(`${e.name}: ${e instanceof TypeError}`) }
    case 'classify': {
      const thrown = [new RetryError('a'), new EventNotSupported('b'), new InvalidEventPayload('c'), new ValidationError('d'), new DropEvent('e')]
      return thrown.map(e => [e.name, e.message, e instanceof Error, `${e}`, Object.prototype.toString.call(e), e.stack.split('\n')[0]])
    }
    case 'finally': try { return 'try' } finally { console.log('finally') }
    case 'unknown': return undefinedFunction(event)
    case 'drop': throw new DropEvent('no insert')
    case 'json': return JSON.parse('{oops}')
    case 'recursion': return (function again() { return again() + 1 })()
  }
}
