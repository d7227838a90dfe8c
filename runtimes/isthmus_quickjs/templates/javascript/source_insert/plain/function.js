// A source insert function stands behind one source, before all destinations: what a handler returns goes on.
// A handler that is left out blocks its type of event; DropEvent, or returning nothing, drops one.

async function onTrack(event, settings) {
  return event
}

async function onIdentify(event, settings) {
  return event
}

async function onPage(event, settings) {
  return event
}

async function onScreen(event, settings) {
  return event
}

async function onGroup(event, settings) {
  return event
}

async function onAlias(event, settings) {
  return event
}

async function onDelete(event, settings) {
  return event
}
