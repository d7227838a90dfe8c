async function onRequest(request, settings) {
  const token = request.url.searchParams.get('token');
  if (token !== settings.token) {
    throw new InvalidEventPayload('wrong token');
  }
  const seen = [];
  for (const [name, value] of request.headers) seen.push(name);
  const rows = [].concat(request.json());
  for (let row of rows) {
    Segment.group({ groupId: row.company, userId: row.id, traits: { headers: seen.filter((n) => /^x-/.test(n)) } });
    Segment.page({ name: row.page, userId: row.id, category: 'dropped', properties: {} });
    Segment.screen({ userId: row.id });
    Segment.alias({ previousId: row.was, userId: row.id });
  }
  return { ignored: true };
}
