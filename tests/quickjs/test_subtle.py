"""crypto.subtle, held against Node's: results, keys in every format, and the errors of those that don't fit."""

from __future__ import annotations

from tests.javascript import Scripts
from tests.quickjs.expressions import compare, needs_node
from tests.quickjs.test_crypto_keys import keys

BEFORE = r"""
const { subtle } = crypto;
const te = (text) => Uint8Array.from(Buffer.from(text));
const hex = (buffer) => Buffer.from(buffer).toString("hex");
const der = (pem) => Buffer.from(pem.split("\n").filter((l) => !l.startsWith("---")).join(""), "base64");
const sorted = (o) => Object.fromEntries(Object.entries(o).sort());
const raw = (name, n, usages, extra = {}) => subtle.importKey("raw", Uint8Array.from({ length: n }, (_, i) => i), { name, ...extra }, true, usages);
const hmac = (hash, usages = ["sign", "verify"]) => raw("HMAC", 40, usages, { hash });
const gcm = await raw("AES-GCM", 32, ["encrypt", "decrypt", "wrapKey", "unwrapKey"]);
const cbc = await raw("AES-CBC", 16, ["encrypt", "decrypt"]);
const ctr = await raw("AES-CTR", 16, ["encrypt", "decrypt"]);
const kw = await raw("AES-KW", 16, ["wrapKey", "unwrapKey"]);
const pb = await subtle.importKey("raw", te("password"), "PBKDF2", false, ["deriveBits", "deriveKey"]);
const hk = await subtle.importKey("raw", te("key"), "HKDF", false, ["deriveBits", "deriveKey"]);
const rsa = (name, hash, usages, from = RSA) => subtle.importKey("pkcs8", der(from), { name, hash }, true, usages);
const rsaPub = (name, hash, usages) => subtle.importKey("spki", der(RSA_PUB), { name, hash }, true, usages);
const ec = (usages = ["sign"], name = "ECDSA") => subtle.importKey("pkcs8", der(EC), { name, namedCurve: "P-256" }, true, usages);
const ecPub = (usages = ["verify"], name = "ECDSA") => subtle.importKey("spki", der(EC_PUB), { name, namedCurve: "P-256" }, true, usages);
const iv = (n) => new Uint8Array(n).fill(9);
const zeros = new Uint8Array(100);
"""
EXPRESSIONS = r"""
hex(await subtle.digest("SHA-256",te("abc")))
hex(await subtle.digest({name:"sha-1"},te("abc").buffer))
hex(await subtle.digest("SHA-512",new Uint16Array([1,2])))
await subtle.digest("MD5",te("abc"))
await subtle.digest("SHA-256")
Object.prototype.toString.call(subtle)
Object.prototype.toString.call(crypto.webcrypto)
gcm
Object.prototype.toString.call(gcm)
gcm.usages
(await hmac("SHA-384")).algorithm
hex(await subtle.sign("HMAC",await hmac("SHA-256"),te("data")))
hex(await subtle.sign("HMAC",await hmac("SHA-512"),te("data")))
await subtle.verify("HMAC",await hmac("SHA-1"),await subtle.sign("HMAC",await hmac("SHA-1"),te("data")),te("data"))
await subtle.verify("HMAC",await hmac("SHA-1"),new Uint8Array(20),te("data"))
await subtle.verify("HMAC",await hmac("SHA-1"),new Uint8Array(2),te("data"))
sorted(await subtle.exportKey("jwk",await hmac("SHA-256")))
await subtle.sign("HMAC",await hmac("SHA-256",["verify"]),te("x"))
await subtle.sign("AES-GCM",gcm,te("x"))
sorted((await subtle.generateKey({name:"HMAC",hash:"SHA-512"},true,["sign"])).algorithm)
await subtle.generateKey({name:"HMAC",hash:"SHA-1"},false,[])
await subtle.generateKey({name:"HMAC",hash:"SHA-1"},false,["encrypt"])
hex(await subtle.encrypt({name:"AES-GCM",iv:iv(12)},gcm,te("hello")))
hex(await subtle.encrypt({name:"AES-GCM",iv:iv(16),additionalData:te("aad"),tagLength:96},gcm,te("hello")))
Buffer.from(await subtle.decrypt({name:"AES-GCM",iv:iv(12)},gcm,await subtle.encrypt({name:"AES-GCM",iv:iv(12)},gcm,te("hello")))).toString()
await subtle.decrypt({name:"AES-GCM",iv:iv(12)},gcm,zeros)
await subtle.decrypt({name:"AES-GCM",iv:iv(12)},gcm,te("short")).catch(e=>e.name)
await subtle.encrypt({name:"AES-GCM",iv:iv(12),tagLength:5},gcm,te("x")).catch(e=>e.name)
hex(await subtle.encrypt({name:"AES-CBC",iv:iv(16)},cbc,te("hello")))
hex(await subtle.encrypt({name:"AES-CBC",iv:iv(16)},cbc,zeros.slice(0,32)))
Buffer.from(await subtle.decrypt({name:"AES-CBC",iv:iv(16)},cbc,await subtle.encrypt({name:"AES-CBC",iv:iv(16)},cbc,te("hello")))).toString()
await subtle.decrypt({name:"AES-CBC",iv:iv(16)},cbc,zeros).catch(e=>e.name)
await subtle.encrypt({name:"AES-CBC",iv:iv(12)},cbc,te("x")).catch(e=>e.name)
hex(await subtle.encrypt({name:"AES-CTR",counter:iv(16),length:64},ctr,zeros))
hex(await subtle.encrypt({name:"AES-CTR",counter:new Uint8Array(16).fill(255),length:64},ctr,zeros))
hex(await subtle.encrypt({name:"AES-CTR",counter:new Uint8Array(16).fill(255),length:128},ctr,zeros))
hex(await subtle.encrypt({name:"AES-CTR",counter:new Uint8Array(16).fill(254),length:7},ctr,zeros))
await subtle.encrypt({name:"AES-CTR",counter:iv(16),length:1},ctr,zeros).catch(e=>e.name)
(await subtle.generateKey({name:"AES-GCM",length:256},true,["decrypt","encrypt"])).usages
await subtle.generateKey({name:"AES-GCM",length:100},true,["decrypt","encrypt"]).catch(e=>e.name)
await raw("AES-GCM",15,["encrypt"]).catch(e=>e.name)
sorted(await subtle.exportKey("jwk",gcm))
(await subtle.importKey("jwk",await subtle.exportKey("jwk",gcm),"AES-GCM",false,["encrypt"])).extractable
await subtle.importKey("jwk",{...(await subtle.exportKey("jwk",gcm)),alg:"A128GCM"},"AES-GCM",false,["encrypt"]).catch(e=>e.name)
await subtle.importKey("jwk",{kty:"RSA"},"AES-GCM",false,["encrypt"]).catch(e=>e.name)
hex(await subtle.wrapKey("raw",gcm,kw,"AES-KW"))
hex(await subtle.exportKey("raw",await subtle.unwrapKey("raw",await subtle.wrapKey("raw",gcm,kw,"AES-KW"),kw,"AES-KW","AES-GCM",true,["encrypt"])))
hex(await subtle.exportKey("raw",await subtle.unwrapKey("jwk",await subtle.wrapKey("jwk",cbc,gcm,{name:"AES-GCM",iv:iv(12)}),gcm,{name:"AES-GCM",iv:iv(12)},"AES-CBC",true,["encrypt"])))
await subtle.unwrapKey("raw",zeros.slice(0,24),kw,"AES-KW","AES-GCM",true,["encrypt"]).catch(e=>e.name)
hex(await subtle.deriveBits({name:"PBKDF2",hash:"SHA-256",salt:te("salt"),iterations:100},pb,256))
hex(await subtle.exportKey("raw",await subtle.deriveKey({name:"PBKDF2",hash:"SHA-1",salt:te("salt"),iterations:1},pb,{name:"AES-CBC",length:128},true,["encrypt"])))
await subtle.deriveBits({name:"PBKDF2",hash:"SHA-256",salt:te("salt"),iterations:0},pb,256).catch(e=>e.name)
await subtle.deriveBits({name:"PBKDF2",hash:"SHA-256",salt:te("salt"),iterations:1},pb,7).catch(e=>e.name)
hex(await subtle.deriveBits({name:"HKDF",hash:"SHA-256",salt:te("salt"),info:te("info")},hk,128))
(await subtle.deriveKey({name:"HKDF",hash:"SHA-256",salt:te(""),info:te("")},hk,{name:"HMAC",hash:"SHA-256"},true,["sign"])).algorithm
await subtle.importKey("raw",te("key"),"HKDF",true,["deriveBits"]).catch(e=>e.name)
hex(await subtle.sign("RSASSA-PKCS1-v1_5",await rsa("RSASSA-PKCS1-v1_5","SHA-256",["sign"]),te("abc")))
await subtle.verify("RSASSA-PKCS1-v1_5",await rsaPub("RSASSA-PKCS1-v1_5","SHA-512",["verify"]),await subtle.sign("RSASSA-PKCS1-v1_5",await rsa("RSASSA-PKCS1-v1_5","SHA-512",["sign"]),te("abc")),te("abc"))
(await rsa("RSASSA-PKCS1-v1_5","SHA-256",["sign"])).algorithm
await subtle.verify({name:"RSA-PSS",saltLength:20},await rsaPub("RSA-PSS","SHA-256",["verify"]),await subtle.sign({name:"RSA-PSS",saltLength:20},await rsa("RSA-PSS","SHA-256",["sign"]),te("abc")),te("abc"))
Buffer.from(await subtle.decrypt("RSA-OAEP",await rsa("RSA-OAEP","SHA-256",["decrypt"]),await subtle.encrypt("RSA-OAEP",await rsaPub("RSA-OAEP","SHA-256",["encrypt"]),te("hello")))).toString()
Buffer.from(await subtle.decrypt({name:"RSA-OAEP",label:te("l")},await rsa("RSA-OAEP","SHA-1",["decrypt"]),await subtle.encrypt({name:"RSA-OAEP",label:te("l")},await rsaPub("RSA-OAEP","SHA-1",["encrypt"]),te("hello")))).toString()
await subtle.decrypt("RSA-OAEP",await rsa("RSA-OAEP","SHA-256",["decrypt"]),new Uint8Array(256)).catch(e=>e.name)
sorted(await subtle.exportKey("jwk",await rsa("RSASSA-PKCS1-v1_5","SHA-256",["sign"])))
sorted(await subtle.exportKey("jwk",await rsaPub("RSA-OAEP","SHA-1",["encrypt"]))).alg
hex(await subtle.exportKey("pkcs8",await rsa("RSA-PSS","SHA-256",["sign"])))===der(RSA).toString("hex")
hex(await subtle.exportKey("spki",await rsaPub("RSA-PSS","SHA-256",["verify"])))===der(RSA_PUB).toString("hex")
await rsa("RSA-PSS","SHA-256",["verify"]).catch(e=>e.name)
await rsa("RSA-PSS","SHA-256",[]).catch(e=>e.name)
await rsa("RSA-PSS","SHA-256",["sign"],EC).catch(e=>e.name)
await subtle.importKey("pkcs8",te("nonsense"),{name:"RSA-PSS",hash:"SHA-1"},true,["sign"]).catch(e=>e.name)
await subtle.verify({name:"ECDSA",hash:"SHA-256"},await ecPub(),await subtle.sign({name:"ECDSA",hash:"SHA-256"},await ec(),te("abc")),te("abc"))
await subtle.verify({name:"ECDSA",hash:"SHA-384"},await ecPub(),await subtle.sign({name:"ECDSA",hash:"SHA-256"},await ec(),te("abc")),te("abc"))
(await subtle.sign({name:"ECDSA",hash:"SHA-256"},await ec(),te("abc"))).byteLength
sorted(await subtle.exportKey("jwk",await ec()))
hex(await subtle.exportKey("raw",await ecPub()))
(await subtle.importKey("raw",await subtle.exportKey("raw",await ecPub()),{name:"ECDH",namedCurve:"P-256"},true,[])).usages
await subtle.importKey("jwk",await subtle.exportKey("jwk",await ec()),{name:"ECDSA",namedCurve:"P-384"},true,["sign"]).catch(e=>e.name)
await subtle.importKey("spki",der(EC384_PUB),{name:"ECDSA",namedCurve:"P-256"},true,["verify"]).catch(e=>e.name)
await subtle.importKey("spki",der(EC_PUB),{name:"ECDSA",namedCurve:"nope"},true,["verify"]).catch(e=>e.name)
hex(await subtle.deriveBits({name:"ECDH",public:await ecPub([],"ECDH")},await ec(["deriveBits"],"ECDH"),256))
hex(await subtle.deriveBits({name:"ECDH",public:await ecPub([],"ECDH")},await ec(["deriveBits"],"ECDH"),null))
(await subtle.deriveKey({name:"ECDH",public:await ecPub([],"ECDH")},await ec(["deriveKey"],"ECDH"),{name:"AES-GCM",length:256},true,["encrypt"])).algorithm
hex(await subtle.sign("Ed25519",await subtle.importKey("pkcs8",der(ED),"Ed25519",true,["sign"]),te("abc")))
sorted(await subtle.exportKey("jwk",await subtle.importKey("pkcs8",der(ED),"Ed25519",true,["sign"])))
hex(await subtle.deriveBits({name:"X25519",public:await subtle.importKey("spki",der(X_PUB),"X25519",true,[])},await subtle.importKey("pkcs8",der(X),"X25519",true,["deriveBits"]),256))
(await subtle.generateKey({name:"ECDSA",namedCurve:"P-521"},false,["sign","verify"])).publicKey
(await subtle.generateKey({name:"ECDSA",namedCurve:"P-521"},false,["sign","verify"])).privateKey
(await subtle.generateKey({name:"RSA-OAEP",modulusLength:1024,publicExponent:new Uint8Array([1,0,1]),hash:"SHA-256"},true,["encrypt","decrypt"])).publicKey.algorithm.publicExponent
(await subtle.generateKey("Ed25519",true,["sign","verify"])).privateKey.usages
await subtle.generateKey({name:"ECDSA",namedCurve:"P-256"},false,["verify"]).catch(e=>e.name)
await subtle.generateKey({name:"ECDSA",namedCurve:"P-256"},false,["encrypt"]).catch(e=>e.name)
await subtle.generateKey({name:"nope"},false,["encrypt"]).catch(e=>e.name)
await subtle.importKey("nope",zeros,"AES-GCM",false,["encrypt"]).catch(e=>e.name)
await subtle.encrypt({name:"AES-GCM",iv:iv(12)},{},te("x")).catch(e=>e.name)
await subtle.encrypt({name:"AES-CBC",iv:iv(16)},gcm,te("x")).catch(e=>e.name)
crypto.KeyObject.from(gcm).type
crypto.KeyObject.from(await ec()).asymmetricKeyType
crypto.createHmac("sha1",await hmac("SHA-1")).update("x").digest("hex")
typeof CryptoKey
gcm instanceof CryptoKey
""".strip().splitlines()


@needs_node
async def test_subtle_is_nodes(scripts: Scripts) -> None:
    await compare(scripts, EXPRESSIONS, keys() + BEFORE)
