// A library from 2012 pasted above the handler: looks for AMD, CommonJS and a browser before it settles for a global
;(function (root, factory) {
  if (typeof define === 'function' && define.amd) define([], factory)
  else if (typeof exports === 'object') module.exports = factory()
  else root.Query = factory()
}(this, function () {
  var hasOwn = {}.hasOwnProperty
  function stringify(object, prefix) {
    var pairs = []
    for (var key in object) if (hasOwn.call(object, key)) {
      var name = prefix ? prefix + '[' + key + ']' : key
      if (typeof object[key] === 'object') pairs.push(arguments.callee(object[key], name))
      else pairs.push(escape(name) + '=' + escape(object[key]))
    }
    return pairs.join('&')
  }
  var undefined
  if (typeof window !== 'undefined' && window.document) throw new Error('not in browsers')
  return { stringify: stringify, version: 010, now: +new Date != NaN }
}))

onTrack = function (event) {
  with (event.properties) { var total = price * quantity }
  delete event.nothing
  return [Query.stringify({ a: { b: [1, 'ü x'] } }), Query.version, total, function () { return typeof this }.call(5)]
}
