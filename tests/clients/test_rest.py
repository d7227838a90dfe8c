"""Clients of services with a REST API, as functions for Segment use them, against answers that the services have given."""

from __future__ import annotations

import json

from tests.clients.hosts import Answer, ServiceHost
from tests.javascript import Scripts, call_of

STRIPE = "https://api.stripe.com/v1/"
TWILIO = "https://api.twilio.com/2010-04-01/Accounts/AC0123/"
SENDGRID = "https://api.sendgrid.com/v3/"
HUBSPOT = "https://api.hubapi.com/"
MAILCHIMP = "https://us6.api.mailchimp.com/3.0/"
MAILJET = "https://api.mailjet.com/"
SALESFORCE = "https://acme.my.salesforce.com/services/"


async def value(scripts: Scripts, body: str, host: ServiceHost, event: object = None) -> object:
    script = await scripts.body(body)
    return await script.value(call_of(event), host)


# ---------------------------------------------------------------- Stripe


async def test_stripe_creates_customers(scripts: Scripts) -> None:
    host = ServiceHost(
        Answer("POST", STRIPE + "customers", {"id": "cus_1", "object": "customer", "email": "a@b.c"}),
    )
    body = """
      const client = stripe('sk_test_1', { apiVersion: '2020-08-27' });
      const customer = await client.customers.create(
        { email: 'a@b.c', metadata: { user: 'ü' }, address: { line1: 'x' } }, { idempotencyKey: 'once' });
      return [customer.id, customer.lastResponse.statusCode];
    """
    assert await value(scripts, body, host) == ["cus_1", 200]
    sent = host.sent()
    assert sent.line == f"POST {STRIPE}customers"
    assert sent.form == {"email": "a@b.c", "metadata[user]": "ü", "address[line1]": "x"}
    assert sent.headers["authorization"] == "Bearer sk_test_1"
    assert (sent.headers["stripe-version"], sent.headers["idempotency-key"]) == ("2020-08-27", "once")


async def test_stripe_pages_through_lists(scripts: Scripts) -> None:
    page = {
        "object": "list",
        "url": "/v1/charges",
        "has_more": True,
        "data": [{"id": "ch_1"}, {"id": "ch_2"}],
    }
    host = ServiceHost(
        Answer("GET", f"{STRIPE}charges?limit=2&starting_after=ch_2", {**page, "has_more": False}),
        Answer("GET", f"{STRIPE}charges?limit=2", page),
    )
    body = """
      const found = [];
      for await (const charge of stripe('sk').charges.list({ limit: 2 })) found.push(charge.id);
      return found;
    """
    assert await value(scripts, body, host) == ["ch_1", "ch_2", "ch_1", "ch_2"]


async def test_stripe_says_what_was_wrong_and_by_callback_too(scripts: Scripts) -> None:
    error = {
        "type": "card_error",
        "code": "card_declined",
        "message": "Your card was declined.",
        "param": "x",
    }
    host = ServiceHost(Answer("POST", STRIPE, {"error": error}, 402, (("request-id", "req_1"),)))
    body = """
      return new Promise((done) => stripe('sk').charges.create({ amount: 5 }, (error) =>
        done([error.type, error.code, error.statusCode, error.requestId, error.message, error instanceof Error])));
    """
    message = "Your card was declined."
    assert await value(scripts, body, host) == [
        "StripeCardError",
        "card_declined",
        402,
        "req_1",
        message,
        True,
    ]


async def test_stripe_verifies_webhooks(scripts: Scripts) -> None:
    body = """
      const { webhooks } = stripe('sk'), payload = JSON.stringify({ id: 'evt_1', object: 'event' });
      const header = webhooks.generateTestHeaderString({ payload, secret: 'whsec' });
      const refused = (() => { try { webhooks.constructEvent(payload, header, 'other') } catch (error) { return error.type } })();
      return [webhooks.constructEvent(payload, header, 'whsec').id, refused];
    """
    assert await value(scripts, body, ServiceHost()) == ["evt_1", "StripeSignatureVerificationError"]


# ---------------------------------------------------------------- Twilio


async def test_twilio_sends_messages(scripts: Scripts) -> None:
    answer = {
        "sid": "SM1",
        "status": "queued",
        "body": "hi",
        "date_created": "Wed, 18 Aug 2021 20:01:14 +0000",
    }
    host = ServiceHost(Answer("POST", TWILIO + "Messages.json", answer, 201))
    body = """
      const client = twilio('AC0123', 'token');
      const message = await client.messages.create({ body: 'hi ä', from: '+15017122661', to: '+15558675310' });
      return [message.sid, message.status, message.dateCreated.toISOString()];
    """
    assert await value(scripts, body, host) == ["SM1", "queued", "2021-08-18T20:01:14.000Z"]
    sent = host.sent()
    assert sent.basic == "AC0123:token"
    assert sent.form == {"To": "+15558675310", "From": "+15017122661", "Body": "hi ä"}


async def test_twilio_has_its_other_products_and_its_errors(scripts: Scripts) -> None:
    lookups = "https://lookups.twilio.com/v1/PhoneNumbers/"
    verify = "https://verify.twilio.com/v2/Services/VA1/Verifications"
    refused = {
        "code": 21211,
        "message": "The 'To' number is not valid.",
        "more_info": "https://x",
        "status": 400,
    }
    host = ServiceHost(
        Answer("GET", lookups, {"phone_number": "+1", "carrier": {"type": "mobile"}}),
        Answer("POST", verify, refused, 400),
    )
    body = """
      const client = twilio('AC0123', 'token');
      const found = await client.lookups.v1.phoneNumbers('+1').fetch({ type: ['carrier'] });
      const error = await client.verify.v2.services('VA1').verifications.create({ to: 'x', channel: 'sms' }).catch((e) => e);
      const twiml = new twilio.twiml.MessagingResponse();
      twiml.message('Hello & goodbye');
      return [found.carrier.type, error.code, error.status, error.message, twiml.toString().split('?>')[1]];
    """
    assert await value(scripts, body, host) == [
        "mobile",
        21211,
        400,
        "The 'To' number is not valid.",
        "<Response><Message>Hello &amp; goodbye</Message></Response>",
    ]
    assert host.sent().line == f"GET {lookups}+1?Type=carrier"


# ---------------------------------------------------------------- SendGrid


async def test_sendgrid_sends_mail_and_asks_its_api(scripts: Scripts) -> None:
    host = ServiceHost(
        Answer("POST", SENDGRID + "mail/send", b"", 202, (("x-message-id", "m1"),)),
        Answer("PUT", SENDGRID + "marketing/contacts", {"job_id": "j1"}, 202),
    )
    body = """
      sendgrid.mail.setApiKey('SG.key');
      const [sent] = await sendgrid.mail.send({
        to: [{ email: 'a@b.c', name: 'Ä' }], from: 'd@e.f', templateId: 'd-1', dynamicTemplateData: { total: 5 },
      });
      sendgrid.client.setApiKey('SG.key');
      const [answer, told] = await sendgrid.client.request({
        method: 'PUT', url: '/v3/marketing/contacts', body: { contacts: [{ email: 'a@b.c' }] },
      });
      return [sent.statusCode, sent.headers['x-message-id'], answer.statusCode, told.job_id];
    """
    assert await value(scripts, body, host) == [202, "m1", 202, "j1"]
    mail, contacts = host.sent(), host.sent(1)
    assert mail.headers["authorization"] == "Bearer SG.key"
    assert mail.json == {
        "from": {"email": "d@e.f"},
        "template_id": "d-1",
        "personalizations": [
            {"to": [{"name": "Ä", "email": "a@b.c"}], "dynamic_template_data": {"total": 5}}
        ],
    }
    assert contacts.json == {"contacts": [{"email": "a@b.c"}]}


async def test_sendgrid_says_what_was_wrong(scripts: Scripts) -> None:
    errors = [{"message": "The from address does not match", "field": "from", "help": None}]
    host = ServiceHost(Answer("POST", SENDGRID, {"errors": errors}, 403))
    body = """
      sendgrid.mail.setApiKey('SG.key');
      return sendgrid.mail.send({ to: 'a@b.c', from: 'd@e.f', subject: 's', text: 't' }).catch((error) =>
        [error.code, error.message, error.response.body.errors[0].field]);
    """
    assert await value(scripts, body, host) == [403, "Forbidden", "from"]


# ---------------------------------------------------------------- HubSpot


async def test_hubspot_creates_contacts_and_searches_them(scripts: Scripts) -> None:
    contact = {
        "id": "51",
        "properties": {"email": "a@b.c"},
        "createdAt": "2024-01-02T03:04:05.678Z",
        "updatedAt": "2024-01-02T03:04:05.678Z",
        "archived": False,
    }
    host = ServiceHost(
        Answer("POST", HUBSPOT + "crm/v3/objects/contacts/search", {"total": 1, "results": [contact]}),
        Answer("POST", HUBSPOT + "crm/v3/objects/contacts", contact, 201),
        Answer("POST", HUBSPOT + "crm/v3/objects/companies", contact, 201),
    )
    body = """
      const client = new hubspotlib.hubspot.Client({ accessToken: 'token' });
      const made = await client.crm.contacts.basicApi.create({ properties: { email: 'a@b.c' }, associations: [] });
      const found = await client.crm.contacts.searchApi.doSearch({
        filterGroups: [{ filters: [{ propertyName: 'email', operator: 'EQ', value: 'a@b.c' }] }], properties: ['email'], limit: 1,
      });
      await client.crm.companies.basicApi.create({ properties: { domain: 'b.c' }, associations: [] });
      return [made.id, made.createdAt instanceof Date, found.total, found.results[0].properties.email];
    """
    assert await value(scripts, body, host) == ["51", True, 1, "a@b.c"]
    sent = host.sent()
    assert sent.headers["authorization"] == "Bearer token"
    assert sent.json == {"associations": [], "properties": {"email": "a@b.c"}}


async def test_hubspot_says_what_was_wrong_and_sends_requests_of_ones_own(scripts: Scripts) -> None:
    refused = {
        "status": "error",
        "message": "Contact already exists. Existing ID: 51",
        "category": "CONFLICT",
    }
    host = ServiceHost(
        Answer("POST", HUBSPOT + "crm/v3", refused, 409),
        Answer("GET", HUBSPOT + "some/api?a=b", {"ok": True}),
    )
    body = """
      const client = new hubspotlib.hubspot.Client({ accessToken: 'token' });
      const error = await client.crm.contacts.basicApi.create({ properties: {}, associations: [] }).catch((e) => e);
      const answer = await client.apiRequest({ path: '/some/api', qs: { a: 'b' } });
      return [error.code, error.body.category, await answer.json()];
    """
    assert await value(scripts, body, host) == [409, "CONFLICT", {"ok": True}]


# ---------------------------------------------------------------- Mailchimp


async def test_mailchimp_adds_members(scripts: Scripts) -> None:
    host = ServiceHost(
        Answer("GET", MAILCHIMP + "ping", {"health_status": "Everything's Chimpy!"}),
        Answer("PUT", MAILCHIMP + "lists/l1/members/", {"id": "h", "status": "subscribed"}),
    )
    body = """
      const { mailchimp } = mailchimplib;
      mailchimp.setConfig({ apiKey: 'key-us6', server: 'us6' });
      const { health_status } = await mailchimp.ping.get();
      const hash = crypto.createHash('md5').update('a@b.c').digest('hex');
      const member = await mailchimp.lists.setListMember('l1', hash, {
        email_address: 'a@b.c', status_if_new: 'subscribed', merge_fields: { FNAME: 'Zoë' },
      });
      return [health_status, member.status];
    """
    assert await value(scripts, body, host) == ["Everything's Chimpy!", "subscribed"]
    sent = host.sent(1)
    assert sent.line == f"PUT {MAILCHIMP}lists/l1/members/5d60d4e28066df254d5452f92c910092"
    assert sent.basic == "user:key-us6"
    assert sent.json == {
        "email_address": "a@b.c",
        "status_if_new": "subscribed",
        "merge_fields": {"FNAME": "Zoë"},
    }


async def test_mailchimp_says_what_was_wrong(scripts: Scripts) -> None:
    problem = {"title": "Member Exists", "status": 400, "detail": "a@b.c is already a list member"}
    headers = (("content-type", "application/problem+json; charset=utf-8"),)
    host = ServiceHost(Answer("POST", MAILCHIMP, json.dumps(problem).encode(), 400, headers))
    body = """
      mailchimplib.mailchimp.setConfig({ apiKey: 'key-us6', server: 'us6' });
      return mailchimplib.mailchimp.lists.addListMember('l1', { email_address: 'a@b.c', status: 'subscribed' }).catch((error) =>
        [error.status, error.response.body.title, JSON.parse(error.response.text).detail]);
    """
    assert await value(scripts, body, host) == [400, "Member Exists", "a@b.c is already a list member"]


# ---------------------------------------------------------------- Mailjet


async def test_mailjet_sends_mail(scripts: Scripts) -> None:
    host = ServiceHost(
        Answer(
            "POST", MAILJET + "v3.1/send", {"Messages": [{"Status": "success", "To": [{"MessageID": 1}]}]}
        ),
        Answer("GET", MAILJET + "v3/REST/contact/7", {"Count": 1, "Data": [{"ID": 7}], "Total": 1}),
        Answer(
            "GET", MAILJET + "v3/REST/contact/8", {"ErrorMessage": "Object not found", "StatusCode": 404}, 404
        ),
    )
    body = """
      const mailjet = nodemailjet.nodemailjet.apiConnect('public', 'private');
      const { body } = await mailjet.post('send', { version: 'v3.1' }).request({
        Messages: [{ From: { Email: 'a@b.c' }, To: [{ Email: 'd@e.f' }], Subject: 's', TextPart: 't' }],
      });
      const contact = await mailjet.get('contact', { version: 'v3' }).id(7).request();
      const error = await mailjet.get('contact', { version: 'v3' }).id(8).request().catch((e) => e);
      const other = new nodemailjet.nodemailjet({ apiKey: 'public', apiSecret: 'private' });
      return [body.Messages[0].Status, contact.body.Data[0].ID, error.statusCode, error.response.data, typeof other.post];
    """
    error = {"ErrorMessage": "Object not found", "StatusCode": 404}
    assert await value(scripts, body, host) == ["success", 7, 404, error, "function"]
    assert host.sent().basic == "public:private"


# ---------------------------------------------------------------- Salesforce


async def test_jsforce_queries_and_creates(scripts: Scripts) -> None:
    row = {"attributes": {"type": "Contact"}, "Id": "003A", "Name": "Ä"}
    data = SALESFORCE + "data/v42.0/"
    host = ServiceHost(
        Answer("GET", data + "query?", {"totalSize": 1, "done": True, "records": [row]}),
        Answer(
            "PATCH", data + "sobjects/Contact/Ext__c/e1", {"id": "003B", "success": True, "errors": []}, 201
        ),
        Answer("POST", data + "sobjects/Contact", {"id": "003B", "success": True, "errors": []}, 201),
    )
    body = """
      const conn = new jsforce.Connection({ instanceUrl: 'https://acme.my.salesforce.com', accessToken: 'token' });
      const found = await conn.query("SELECT Id, Name FROM Contact WHERE Email = 'a@b.c'");
      const made = await conn.sobject('Contact').create({ LastName: 'Ä' });
      const merged = await conn.sobject('Contact').upsert({ Ext__c: 'e1', LastName: 'B' }, 'Ext__c');
      const called = await new Promise((done, fail) => conn.sobject('Contact').find({ Name: 'x' }, 'Id').limit(1)
        .execute((error, records) => error ? fail(error) : done(records.length)));
      return [found.totalSize, found.records[0].Name, made.id, merged.success, called];
    """
    assert await value(scripts, body, host) == [1, "Ä", "003B", True, 1]
    assert host.sent().headers["authorization"] == "Bearer token"
    assert host.sent(1).json == {"LastName": "Ä"}
    assert host.sent(3).line.endswith("SELECT%20Id%20FROM%20Contact%20WHERE%20Name%20%3D%20'x'%20LIMIT%201")


async def test_jsforce_logs_in_and_says_what_was_wrong(scripts: Scripts) -> None:
    envelope = "http://schemas.xmlsoap.org/soap/envelope/"
    told = f"""<?xml version="1.0"?><soapenv:Envelope xmlns:soapenv="{envelope}" xmlns="urn:partner.soap.sforce.com"><soapenv:Body>
      <loginResponse><result><serverUrl>https://acme.my.salesforce.com/services/Soap/u/42.0/00D</serverUrl>
      <sessionId>session</sessionId><userId>005A</userId><userInfo><organizationId>00D</organizationId></userInfo>
      </result></loginResponse></soapenv:Body></soapenv:Envelope>"""
    refused = [{"message": "No such column 'x'", "errorCode": "INVALID_FIELD"}]
    host = ServiceHost(
        Answer(
            "POST",
            "https://login.salesforce.com/services/Soap/u/42.0",
            told.encode(),
            200,
            (("content-type", "text/xml"),),
        ),
        Answer("GET", SALESFORCE, refused, 400),
    )
    body = """
      const conn = new jsforce.Connection({ loginUrl: 'https://login.salesforce.com' });
      const user = await conn.login('me@acme.com', 'pass&word');
      const error = await conn.query('SELECT x FROM Contact').then(() => null, (e) => e);
      return [user.id, conn.instanceUrl, conn.accessToken, error.errorCode, error.message];
    """
    message = "No such column 'x'"
    url = "https://acme.my.salesforce.com"
    assert await value(scripts, body, host) == ["005A", url, "session", "INVALID_FIELD", message]
    assert b"<password>pass&amp;word</password>" in host.sent().body
