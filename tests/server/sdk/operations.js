// Every operation on functions as Segment's client for TypeScript calls it, and the errors that its unwrap gives.
// Arguments: the API's address, a token. Prints one JSON object: what each step gave.
'use strict';
const { configureApis, unwrap } = require('@segment/public-api-sdk-typescript');

const [address, token] = process.argv.slice(2);

function configured(given) {
  const apis = configureApis(given);
  for (const api of Object.values(apis)) if (api && 'basePath' in api) api.basePath = address;
  return apis;
}

const API_KEY = {
  name: 'apiKey',
  label: 'api key',
  description: 'api key',
  type: 'STRING',
  required: false,
  sensitive: true,
};

async function main() {
  const steps = {};
  const { functions, sources, destinations, workspaces, catalog, testing } = configured(token);
  const step = async (name, promise) => (steps[name] = await unwrap(promise));
  const refused = async (name, promise) => {
    try {
      steps[name] = { unexpected: await unwrap(promise) };
    } catch (error) {
      steps[name] = error instanceof Error ? { unexpected: String(error.stack) } : error;
    }
  };

  await step('getWorkspace', workspaces.getWorkspace());
  const { function: made } = await step(
    'createFunction',
    functions.createFunction({
      code: 'async function onRequest(request) { Segment.track({ event: "Seen", userId: "u1" }) }',
      settings: [API_KEY],
      displayName: 'PAPI Source Function',
      resourceType: 'SOURCE',
      description: 'd',
    })
  );
  await step('listFunctions', functions.listFunctions({ cursor: 'MA==', count: 10 }, 'SOURCE'));
  await step('getFunction', functions.getFunction(made.id));
  await step('updateFunction', functions.updateFunction(made.id, { code: '// two\n"\u2028é😀"' }));
  const { source } = await step(
    'createSource',
    sources.createSource({ slug: 'hooks', enabled: true, metadataId: made.catalogId, settings: { apiKey: 'sesame' } })
  );
  await step('createFunctionDeployment', functions.createFunctionDeployment(`sfn_${source.id}`));
  const { versions } = await step('listFunctionVersions', functions.listFunctionVersions(made.id, { count: 2 }));
  await step('getFunctionVersion', functions.getFunctionVersion(made.id, versions[1].id));
  await step('restoreFunctionVersion', functions.restoreFunctionVersion(made.id, { versionId: versions[1].id }));

  const destination = await unwrap(
    functions.createFunction({ code: '// d', displayName: 'CRM', resourceType: 'DESTINATION' })
  );
  const { destination: connected } = await step(
    'createDestination',
    destinations.createDestination({ sourceId: source.id, metadataId: destination.function.catalogId, settings: {} })
  );
  const insert = await unwrap(
    functions.createFunction({
      code: '// i',
      displayName: 'Mask',
      resourceType: 'INSERT_DESTINATION',
      settings: [API_KEY],
    })
  );
  const functionId = insert.function.catalogId;
  const { insertFunctionInstance: instance } = await step(
    'createInsertFunctionInstance',
    functions.createInsertFunctionInstance({
      functionId,
      integrationId: connected.id,
      enabled: true,
      name: 'n',
      settings: { apiKey: 'sesame' },
    })
  );
  await step('listInsertFunctionInstances', functions.listInsertFunctionInstances({ count: 5 }, functionId));
  await step('getInsertFunctionInstance', functions.getInsertFunctionInstance(instance.id));
  await step(
    'updateInsertFunctionInstance',
    functions.updateInsertFunctionInstance(instance.id, { enabled: false, settings: { apiKey: 'new' } })
  );
  await step('deleteInsertFunctionInstance', functions.deleteInsertFunctionInstance(instance.id));

  const options = { headers: { Accept: 'application/vnd.segment.v1alpha+json' } };
  await step('getFunctionAsAlpha', functions.getFunction(made.id, options));
  await step('listConnected', sources.listConnectedDestinationsFromSource(source.id, { count: 3 }));
  await step('getSourceMetadata', catalog.getSourceMetadata(made.catalogId));
  await step('echo', testing.echo('hi'));

  await refused('404', functions.getFunction('missing'));
  await refused('400', functions.createFunctionDeployment(made.id));
  await refused('409', functions.deleteFunction(made.id));
  await refused('406', functions.getFunction(made.id, { headers: { Accept: 'text/html' } }));
  await refused('422', functions.createFunction({ code: '//', displayName: '', resourceType: 'NONE' }));
  await refused('422 of a query', functions.listFunctions({ count: 1001 }, 'SOURCE'));
  await refused('401', configured('wrong').functions.getFunction(made.id));
  await refused('413', functions.updateFunction(made.id, { code: 'x'.repeat(6 * 2 ** 20 + 1) }));
  await refused('500', testing.echo('hi', 0, false, false, true));

  await unwrap(sources.deleteSource(source.id));
  await step('deleteFunction', functions.deleteFunction(made.id));
  process.stdout.write(JSON.stringify(steps));
}

main().catch((error) => {
  process.stderr.write(`${error instanceof Error ? error.stack : JSON.stringify(error)}\n`);
  process.exitCode = 1;
});
