// Tells network errors apart as node-fetch reports them
async function onTrack(event, settings) {
  let response;
  try {
    response = await fetch(event.properties.url);
  } catch (error) {
    console.error(error.name, error.code, error.type, error instanceof Error);
    if (error.name === 'FetchError' && ['ECONNRESET', 'ETIMEDOUT', 'ENOTFOUND'].includes(error.code)) {
      throw new RetryError(error.message);
    }
    throw error;
  }
  return response.json().catch((err) => `${err.name}: not JSON`);
}
