async function onRequest(request) {
  const { call, args } = request.json()
  const tracked = Segment[call](args)
  console.log(JSON.stringify(tracked))
}
