// What is sent depends on a table of event names; the token sits in an object of the module
const api = { API_TOKEN: '', url: (path) => `https://crm.test/${path}` };

const post = async (path, body) => {
    const res = await fetch(api.url(path), { method: 'POST', body: JSON.stringify(body), headers: { token: api.API_TOKEN } });
    if (!res.ok) throw new Error(`${res.status} ${res.statusText}`);
    return res.json();
};
const inscription = async (id, person) => await post('people', { id, ...person });
const mapAllowedEventsToActions = {
    identify: inscription,
    track: { inscription },
};

async function onTrack(event, settings) {
    const { event: eventName, properties } = event;
    const id = event.anonymousId ?? event.userId;
    if (eventName in mapAllowedEventsToActions.track) {
        api.API_TOKEN = settings.apiToken || settings.API_TOKEN;
        return await mapAllowedEventsToActions.track[eventName](id, properties);
    }
    console.warn(`${eventName} is not allowed`)
}

async function onIdentify(event, settings) {
    //throw new EventNotSupported("identify is not supported");
    api.API_TOKEN = settings.apiToken || settings.API_TOKEN;
    await mapAllowedEventsToActions.identify(event.anonymousId, event.traits);
}
