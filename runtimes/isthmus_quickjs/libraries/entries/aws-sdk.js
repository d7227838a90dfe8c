// The AWS SDK, version 2: every service, each defined when it is first named, its API kept by the host until then.
const AWS = require("aws-sdk/lib/core");
const { apiLoader } = AWS;

/** What the SDK adds to a service beyond its API, by the service's identifier. */
const ADDED = {
  apigateway: () => require("aws-sdk/lib/services/apigateway"),
  cloudfront: () => require("aws-sdk/lib/services/cloudfront"),
  cloudsearchdomain: () => require("aws-sdk/lib/services/cloudsearchdomain"),
  docdb: () => require("aws-sdk/lib/services/docdb"),
  dynamodb: () => require("aws-sdk/lib/services/dynamodb"),
  ec2: () => require("aws-sdk/lib/services/ec2"),
  eventbridge: () => require("aws-sdk/lib/services/eventbridge"),
  glacier: () => require("aws-sdk/lib/services/glacier"),
  iotdata: () => require("aws-sdk/lib/services/iotdata"),
  lambda: () => require("aws-sdk/lib/services/lambda"),
  machinelearning: () => require("aws-sdk/lib/services/machinelearning"),
  neptune: () => require("aws-sdk/lib/services/neptune"),
  polly: () => require("aws-sdk/lib/services/polly"),
  rds: () => require("aws-sdk/lib/services/rds"),
  rdsdataservice: () => require("aws-sdk/lib/services/rdsdataservice"),
  route53: () => require("aws-sdk/lib/services/route53"),
  s3: () => require("aws-sdk/lib/services/s3"),
  s3control: () => require("aws-sdk/lib/services/s3control"),
  sqs: () => require("aws-sdk/lib/services/sqs"),
  sts: () => require("aws-sdk/lib/services/sts"),
  swf: () => require("aws-sdk/lib/services/swf"),
};

function define(name, { id, versions }) {
  const apis = table(`aws-sdk/${id}`);
  apiLoader.services[id] = new Proxy({}, { get: (_, version) => JSON.parse(apis(version)) });
  const service = AWS.Service.defineService(id, versions);
  Object.defineProperty(AWS, name, { value: service, writable: true, enumerable: true, configurable: true });
  ADDED[id]?.();
  // At once, for where this runs while the code loads, its API is in the image.
  AWS.Service.defineServiceApi(service, versions.filter((version) => !version.endsWith("*")).at(-1));
  return service;
}

const services = JSON.parse(table("aws-sdk/services")("all"));
for (const name in services) {
  Object.defineProperty(AWS, name, {
    get: () => define(name, services[name]),
    set(value) {
      Object.defineProperty(AWS, name, { value, writable: true, enumerable: true, configurable: true });
    },
    enumerable: true,
    configurable: true,
  });
}

require("aws-sdk/lib/node_loader");

// A function's machine has no environment, no files and no metadata address that would hold credentials.
AWS.CredentialProviderChain.defaultProviders = [];
AWS.TokenProviderChain.defaultProviders = [];
AWS.config = new AWS.Config();
module.exports = AWS;
