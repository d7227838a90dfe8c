"""The AWS SDK, version 2, as functions for Segment use it, against moto: no endpoint is named, promises and callbacks both."""

from __future__ import annotations

import io
import json
import zipfile
from base64 import b64encode
from typing import cast

import pytest
from tests.clients.hosts import ServerHost
from tests.javascript import Scripts, call_of

AT = "region: 'us-east-1', accessKeyId: settings.id, secretAccessKey: settings.secret"
SETTINGS = {"id": "AKIDEXAMPLE", "secret": "wJalrXUtnFEMI"}
PROMISED = "const asked = (client, operation, given) => client[operation](given).promise();"
CALLED_BACK = """
const asked = (client, operation, given) =>
  new Promise((done, fail) => client[operation](given, (error, data) => (error ? fail(error) : done(data))));
"""


@pytest.fixture(params=[PROMISED, CALLED_BACK], ids=["promise", "callback"])
def way(request: pytest.FixtureRequest) -> str:
    """JavaScript that declares ``asked(client, operation, parameters)``."""
    return str(request.param)


def name_of(way: str) -> str:
    """A name for what only one of two tests has."""
    return "promise" if way == PROMISED else "callback"


async def value(scripts: Scripts, port: int, body: str, event: object = None) -> object:
    script = await scripts.body(body)
    return await script.value(call_of(event, SETTINGS), ServerHost(port))


async def test_s3_keeps_objects(scripts: Scripts, aws_port: int, way: str) -> None:
    body = f"""
      {way}
      const s3 = new AWS.S3({{ apiVersion: '2006-03-01', {AT} }});
      const Bucket = 'bucket-of-events', Key = 'a b/ä+1.json';
      await asked(s3, 'createBucket', {{ Bucket }});
      const put = await asked(s3, 'putObject', {{
        Bucket, Key, Body: JSON.stringify({{ name: 'Zoë' }}), ContentType: 'application/json', Metadata: {{ by: 'us' }},
      }});
      const got = await asked(s3, 'getObject', {{ Bucket, Key }});
      const list = await asked(s3, 'listObjectsV2', {{ Bucket, Prefix: 'a b/' }});
      await asked(s3, 'deleteObject', {{ Bucket, Key }});
      const gone = await asked(s3, 'getObject', {{ Bucket, Key }}).catch((error) => [error.code, error.statusCode]);
      return [put.ETag === got.ETag, Buffer.isBuffer(got.Body), got.Body.toString(), got.ContentType, got.Metadata,
              list.Contents.map((each) => [each.Key, each.Size, each.LastModified instanceof Date]), gone];
    """
    assert await value(scripts, aws_port, body) == [
        True,
        True,
        '{"name":"Zoë"}',
        "application/json",
        {"by": "us"},
        [["a b/ä+1.json", 15, True]],
        ["NoSuchKey", 404],
    ]


async def test_s3_uploads_in_parts_and_signs_urls(scripts: Scripts, aws_port: int) -> None:
    body = f"""
      const s3 = new AWS.S3({{ {AT} }});
      await s3.createBucket({{ Bucket: 'parts' }}).promise();
      const Body = Buffer.alloc(6 * 1024 * 1024, 'x');
      const done = await s3.upload({{ Bucket: 'parts', Key: 'large', Body }}, {{ partSize: 5 * 1024 * 1024 }}).promise();
      const head = await s3.headObject({{ Bucket: 'parts', Key: 'large' }}).promise();
      const url = s3.getSignedUrl('getObject', {{ Bucket: 'parts', Key: 'large', Expires: 60 }});
      const fetched = await fetch(url);
      return [done.Key, head.ContentLength, new URL(url).host, fetched.status, (await fetched.text()).length];
    """
    size = 6 * 1024 * 1024
    assert await value(scripts, aws_port, body) == ["large", size, "parts.s3.amazonaws.com", 200, size]


async def test_dynamodb_keeps_items(scripts: Scripts, aws_port: int, way: str) -> None:
    body = f"""
      {way}
      const db = new AWS.DynamoDB({{ apiVersion: '2012-08-10', {AT} }});
      const TableName = 'events-' + event.table;
      await asked(db, 'createTable', {{
        TableName, BillingMode: 'PAY_PER_REQUEST',
        KeySchema: [{{ AttributeName: 'user', KeyType: 'HASH' }}, {{ AttributeName: 'at', KeyType: 'RANGE' }}],
        AttributeDefinitions: [{{ AttributeName: 'user', AttributeType: 'S' }}, {{ AttributeName: 'at', AttributeType: 'N' }}],
      }});
      await asked(db, 'putItem', {{ TableName, Item: {{ user: {{ S: 'u1' }}, at: {{ N: '1' }}, raw: {{ B: Buffer.from('hi') }} }} }});
      const item = (await asked(db, 'getItem', {{ TableName, Key: {{ user: {{ S: 'u1' }}, at: {{ N: '1' }} }} }})).Item;

      const client = new AWS.DynamoDB.DocumentClient({{ {AT}, convertEmptyValues: true }});
      await asked(client, 'put', {{ TableName, Item: {{ user: 'u1', at: 2, nested: {{ list: [1, 'two', null, true] }}, none: '' }} }});
      const got = (await asked(client, 'get', {{ TableName, Key: {{ user: 'u1', at: 2 }} }})).Item;
      await asked(client, 'update', {{
        TableName, Key: {{ user: 'u1', at: 2 }}, UpdateExpression: 'SET seen = :s', ExpressionAttributeValues: {{ ':s': 5 }},
      }});
      const found = await asked(client, 'query', {{
        TableName, KeyConditionExpression: '#u = :u AND #a > :a',
        ExpressionAttributeNames: {{ '#u': 'user', '#a': 'at' }}, ExpressionAttributeValues: {{ ':u': 'u1', ':a': 1 }},
      }});
      const refused = await asked(client, 'put', {{
        TableName, Item: {{ user: 'u1', at: 2 }}, ConditionExpression: 'attribute_not_exists(seen)',
      }}).catch((error) => [error.code, error.message]);
      return [item.raw.B.toString(), got, found.Count, found.Items[0].seen, refused];
    """
    assert await value(scripts, aws_port, body, {"table": name_of(way)}) == [
        "hi",
        {"user": "u1", "at": 2, "nested": {"list": [1, "two", None, True]}, "none": None},
        1,
        5,
        ["ConditionalCheckFailedException", "The conditional request failed"],
    ]


async def test_sqs_passes_messages_on(scripts: Scripts, aws_port: int, way: str) -> None:
    body = f"""
      {way}
      const sqs = new AWS.SQS({{ apiVersion: '2012-11-05', {AT} }});
      const {{ QueueUrl }} = await asked(sqs, 'createQueue', {{ QueueName: 'queue-' + event.queue }});
      const sent = await asked(sqs, 'sendMessage', {{
        QueueUrl, MessageBody: JSON.stringify(event), MessageAttributes: {{ kind: {{ DataType: 'String', StringValue: 'track' }} }},
      }});
      const batch = await asked(sqs, 'sendMessageBatch', {{ QueueUrl, Entries: [{{ Id: 'a', MessageBody: 'two' }}] }});
      const got = await asked(sqs, 'receiveMessage', {{ QueueUrl, MaxNumberOfMessages: 10, MessageAttributeNames: ['All'] }});
      const first = got.Messages.find((each) => each.MessageId === sent.MessageId);
      await asked(sqs, 'deleteMessage', {{ QueueUrl, ReceiptHandle: first.ReceiptHandle }});
      return [first.Body, first.MessageAttributes.kind.StringValue, batch.Successful.length, got.Messages.length];
    """
    event = {"queue": name_of(way)}
    assert await value(scripts, aws_port, body, event) == [
        json.dumps(event, separators=(",", ":")),
        "track",
        1,
        2,
    ]


async def test_sns_publishes(scripts: Scripts, aws_port: int, way: str) -> None:
    body = f"""
      {way}
      const sns = new AWS.SNS({{ apiVersion: '2010-03-31', {AT} }});
      const {{ TopicArn }} = await asked(sns, 'createTopic', {{ Name: 'topic' }});
      const {{ MessageId }} = await asked(sns, 'publish', {{ TopicArn, Message: 'ä & <b>', Subject: 'subject' }});
      const refused = await asked(sns, 'publish', {{ TopicArn: TopicArn + 'x', Message: 'm' }}).catch((error) => error.code);
      return [TopicArn, MessageId.length, refused];
    """
    arn = "arn:aws:sns:us-east-1:123456789012:topic"
    assert await value(scripts, aws_port, body) == [arn, 36, "NotFound"]


async def test_kinesis_takes_records(scripts: Scripts, aws_port: int, way: str) -> None:
    body = f"""
      {way}
      const kinesis = new AWS.Kinesis({{ apiVersion: '2013-12-02', {AT} }});
      const StreamName = 'stream-' + event.stream;
      await asked(kinesis, 'createStream', {{ StreamName, ShardCount: 1 }});
      const put = await asked(kinesis, 'putRecord', {{ StreamName, PartitionKey: 'p', Data: JSON.stringify({{ a: 'ä' }}) }});
      const many = await asked(kinesis, 'putRecords', {{ StreamName, Records: [{{ PartitionKey: 'p', Data: Buffer.from('b') }}] }});
      const {{ ShardIterator }} = await asked(kinesis, 'getShardIterator', {{
        StreamName, ShardId: put.ShardId, ShardIteratorType: 'TRIM_HORIZON',
      }});
      const {{ Records }} = await asked(kinesis, 'getRecords', {{ ShardIterator }});
      return [many.FailedRecordCount, Records.map((each) => each.Data.toString())];
    """
    event = {"stream": name_of(way)}
    assert await value(scripts, aws_port, body, event) == [0, ['{"a":"ä"}', "b"]]


def zipped() -> str:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("index.js", "exports.handler = async () => 1;")
    return b64encode(packed.getvalue()).decode()


async def test_lambda_invokes_functions(scripts: Scripts, aws_port: int, way: str) -> None:
    body = f"""
      {way}
      const iam = new AWS.IAM({{ {AT} }});
      const {{ Role }} = await asked(iam, 'createRole', {{ RoleName: 'role-' + event.name, AssumeRolePolicyDocument: '{{}}' }});
      const lambda = new AWS.Lambda({{ apiVersion: '2015-03-31', {AT} }});
      await asked(lambda, 'createFunction', {{
        FunctionName: event.name, Role: Role.Arn, Handler: 'index.handler', Runtime: 'nodejs20.x',
        Code: {{ ZipFile: Buffer.from(event.zip, 'base64') }},
      }});
      const names = (await asked(lambda, 'listFunctions', {{}})).Functions.map((each) => each.FunctionName);
      const ran = await asked(lambda, 'invoke', {{ FunctionName: event.name, Payload: JSON.stringify(event) }});
      return [names.includes(event.name), ran.StatusCode, typeof ran.Payload];
    """
    event = {"name": name_of(way), "zip": zipped()}
    assert await value(scripts, aws_port, body, event) == [True, 200, "string"]


async def test_sts_says_who_asks_and_lends_roles(scripts: Scripts, aws_port: int, way: str) -> None:
    body = f"""
      {way}
      const sts = new AWS.STS({{ apiVersion: '2011-06-15', {AT} }});
      const me = await asked(sts, 'getCallerIdentity', {{}});
      const {{ Credentials }} = await asked(sts, 'assumeRole', {{
        RoleArn: 'arn:aws:iam::123456789012:role/segment', RoleSessionName: 'session', ExternalId: 'x',
      }});
      const s3 = new AWS.S3({{
        region: 'us-east-1', accessKeyId: Credentials.AccessKeyId, secretAccessKey: Credentials.SecretAccessKey,
        sessionToken: Credentials.SessionToken,
      }});
      const {{ Buckets }} = await asked(s3, 'listBuckets', {{}});
      return [me.Account, Credentials.AccessKeyId.length, Credentials.Expiration instanceof Date, Array.isArray(Buckets)];
    """
    assert await value(scripts, aws_port, body) == ["123456789012", 20, True, True]


async def test_secrets_manager_hands_out_secrets(scripts: Scripts, aws_port: int, way: str) -> None:
    body = f"""
      {way}
      const secrets = new AWS.SecretsManager({{ {AT} }});
      const SecretId = 'secret-' + event.name;
      await asked(secrets, 'createSecret', {{ Name: SecretId, SecretString: JSON.stringify({{ key: 'k' }}) }});
      const missing = await asked(secrets, 'getSecretValue', {{ SecretId: 'nothing' }}).catch((error) => error.code);
      return [JSON.parse((await asked(secrets, 'getSecretValue', {{ SecretId }})).SecretString), missing];
    """
    event = {"name": name_of(way)}
    assert await value(scripts, aws_port, body, event) == [{"key": "k"}, "ResourceNotFoundException"]


async def test_any_other_service_is_there_too(scripts: Scripts, aws_port: int) -> None:
    body = f"""
      const ses = new AWS.SES({{ {AT} }});
      await ses.verifyEmailIdentity({{ EmailAddress: 'a@b.c' }}).promise();
      const {{ MessageId }} = await ses.sendEmail({{
        Source: 'a@b.c', Destination: {{ ToAddresses: ['d@e.f'] }},
        Message: {{ Subject: {{ Data: 's' }}, Body: {{ Text: {{ Data: 't' }} }} }},
      }}).promise();
      const events = await new AWS.EventBridge({{ {AT} }}).putEvents({{
        Entries: [{{ Source: 's', DetailType: 'd', Detail: '{{}}' }}],
      }}).promise();
      return [typeof MessageId, events.FailedEntryCount, Object.keys(AWS).includes('Firehose'), typeof AWS.Nothing];
    """
    assert await value(scripts, aws_port, body) == ["string", 0, True, "undefined"]


async def test_wrong_parameters_are_refused_before_anything_is_sent(scripts: Scripts) -> None:
    script = await scripts.body("""
      AWS.config.update({ region: 'us-east-1', credentials: new AWS.Credentials('a', 'b') });
      return new AWS.SQS().sendMessage({ QueueUrl: 5 }).promise().catch((error) => [error.code, error.message.split('\\n')]);
    """)
    code, lines = cast("tuple[str, list[str]]", await script.value())
    assert code == "MultipleValidationErrors"
    assert "* MissingRequiredParameter: Missing required key 'MessageBody' in params" in lines


async def test_without_credentials_nothing_is_asked_of_the_machine(scripts: Scripts) -> None:
    script = await scripts.body(
        "return new AWS.S3({ region: 'eu-west-1' }).listBuckets().promise().catch((error) => error.code)"
    )
    host = ServerHost(port=0)
    assert await script.value(host=host) == "CredentialsError"
    assert host.requests == []


async def test_a_service_that_the_code_names_is_part_of_its_image(scripts: Scripts) -> None:
    plain, named = await scripts.body("return AWS.VERSION"), await scripts.body("return new AWS.S3()")
    other = await scripts.body("return 'AWS.S3'")
    assert other.image.end < plain.image.end < named.image.end
    assert named.image.copied
