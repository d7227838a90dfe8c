// Gives an API a moment, and no more
async function onTrack(event, settings) {
  const controller = new AbortController();
  const timeout = setTimeout(() => controller.abort(), 20);
  try {
    const response = await fetch('https://slow.test/' + event.event, { signal: controller.signal });
    return response.status;
  } catch (error) {
    if (error.name === 'AbortError') throw new RetryError('the API is too slow');
    throw error;
  } finally {
    clearTimeout(timeout);
  }
}
