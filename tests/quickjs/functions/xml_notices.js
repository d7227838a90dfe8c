// Notices in XML, by promise; broken ones by callback
async function onRequest(request, settings) {
  const text = request.text()
  try {
    const { notice } = await xml2js.parseStringPromise(text, { explicitArray: false, mergeAttrs: true, tagNameProcessors: [xml2js.processors.stripPrefix, xml2js.processors.firstCharLowerCase], valueProcessors: [xml2js.processors.parseNumbers, xml2js.processors.parseBooleans] })
    for (const item of [].concat(notice.item)) Segment.track({ event: 'Notice', userId: String(item.user), properties: _.omit(item, 'user') })
  } catch (e) {
    await new Promise((resolve) => xml2js.parseString(text, { async: true }, (err, result) => {
      Segment.track({ event: 'Broken', anonymousId: 'x', properties: { line: err.message.split('\n')[1], result } })
      resolve()
    }))
  }
}
