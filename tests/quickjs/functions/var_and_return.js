var onTrack = async function onTrack(event, settings) {
  var self = this, calls = 0
  function count() { return ++calls }
  if (true) { function inner() { return 'hoisted' } }
  var result = [count(), count(), inner(), later()]
  label: for (var i = 0; i < 3; i++) { for (;;) { if (i === 1) break label; continue label } }
  result.push(i)
  return result
}
function later() { return helpers.double(21) }
var helpers = { double: function (n) { return n * 2 } }
return
onTrack = null
function onPage(event) { return event.name || "no name" }
