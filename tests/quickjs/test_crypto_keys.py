"""crypto beyond hashes, held against Node: keys, signatures, ciphers, derivation, agreement."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa, x25519
from tests.javascript import Scripts
from tests.quickjs.expressions import compare, needs_node


@lru_cache(maxsize=1)
def keys() -> str:
    """Statements that declare keys as PEM, made for this run."""
    whole = rsa.generate_private_key(65537, 2048)
    prime = whole.private_numbers().p
    made: dict[str, Any] = {
        "RSA": whole,
        "EC": ec.generate_private_key(ec.SECP256R1()),
        "EC384": ec.generate_private_key(ec.SECP384R1()),
        "K256": ec.generate_private_key(ec.SECP256K1()),
        "ED": ed25519.Ed25519PrivateKey.generate(),
        "X": x25519.X25519PrivateKey.generate(),
    }
    pem = serialization.Encoding.PEM
    lines = []
    for name, key in made.items():
        private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        public = key.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo)
        lines += [
            f"const {name} = {json.dumps(private.decode())}",
            f"const {name}_PUB = {json.dumps(public.decode())}",
        ]
    locked = whole.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"secret")
    )
    lines.append(f"const DHP = {json.dumps(f'{prime:x}')}")
    lines.append(f"const LOCKED = {json.dumps(locked.decode())}")
    return "\n".join(lines)


KEYS = r"""
crypto.createPrivateKey(RSA).type
crypto.createPrivateKey(RSA).asymmetricKeyType
crypto.createPrivateKey(RSA).asymmetricKeyDetails
crypto.createPrivateKey(EC).asymmetricKeyDetails
crypto.createPrivateKey(K256).asymmetricKeyDetails
crypto.createPrivateKey(ED).asymmetricKeyType
crypto.createPrivateKey(X).asymmetricKeyType
crypto.createPublicKey(RSA).type
crypto.createPublicKey(RSA_PUB).export({type:"spki",format:"pem"})===RSA_PUB
crypto.createPrivateKey(RSA).export({type:"pkcs8",format:"pem"})===RSA
crypto.createPrivateKey(RSA).export({type:"pkcs1",format:"der"}).length
crypto.createPrivateKey(RSA).export({type:"pkcs1",format:"der"}).toString("hex")
crypto.createPublicKey(RSA).export({type:"pkcs1",format:"pem"})
crypto.createPrivateKey(EC).export({type:"sec1",format:"pem"})
crypto.createPrivateKey(EC).export({type:"pkcs8",format:"der"}).toString("hex")
crypto.createPrivateKey(RSA).export({format:"jwk"}).n
Object.keys(crypto.createPrivateKey(RSA).export({format:"jwk"})).sort()
crypto.createPrivateKey(RSA).export({format:"jwk"}).qi
Object.entries(crypto.createPrivateKey(EC).export({format:"jwk"})).sort()
Object.entries(crypto.createPublicKey(EC384).export({format:"jwk"})).sort()
Object.entries(crypto.createPrivateKey(K256).export({format:"jwk"})).sort()
Object.entries(crypto.createPrivateKey(ED).export({format:"jwk"})).sort()
Object.entries(crypto.createPublicKey(ED).export({format:"jwk"})).sort()
crypto.createPrivateKey({key:crypto.createPrivateKey(RSA).export({format:"jwk"}),format:"jwk"}).export({type:"pkcs8",format:"pem"})===RSA
crypto.createPublicKey({key:crypto.createPrivateKey(EC).export({format:"jwk"}),format:"jwk"}).export({type:"spki",format:"pem"})===EC_PUB
crypto.createPrivateKey({key:crypto.createPrivateKey(EC).export({type:"sec1",format:"der"}),format:"der",type:"sec1"}).equals(crypto.createPrivateKey(EC))
crypto.createPrivateKey({key:crypto.createPrivateKey(RSA).export({type:"pkcs1",format:"der"}),format:"der",type:"pkcs1"}).equals(crypto.createPrivateKey(RSA))
crypto.createPublicKey({key:crypto.createPublicKey(RSA).export({type:"pkcs1",format:"der"}),format:"der",type:"pkcs1"}).equals(crypto.createPublicKey(RSA))
crypto.createPublicKey(crypto.createPrivateKey(EC)).equals(crypto.createPublicKey(EC_PUB))
crypto.createPrivateKey({key:LOCKED,passphrase:"secret"}).export({type:"pkcs8",format:"pem"})===RSA
crypto.createPrivateKey({key:LOCKED,passphrase:Buffer.from("secret")}).type
crypto.createPrivateKey({key:LOCKED,passphrase:"wrong"})
crypto.createPrivateKey("nonsense")
crypto.createPrivateKey("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----")
crypto.createPrivateKey(RSA_PUB)
crypto.createPrivateKey(5)
crypto.createPrivateKey({})
crypto.createPublicKey(crypto.createPublicKey(RSA))
crypto.createPublicKey(crypto.createSecretKey(Buffer.from("a")))
crypto.createSecretKey(Buffer.from("abc")).export()
crypto.createSecretKey("abc","utf8").export({format:"jwk"})
crypto.createSecretKey("616263","hex").symmetricKeySize
crypto.createSecretKey("a","utf8").equals(crypto.createSecretKey("a","utf8"))
crypto.createSecretKey("a","utf8").type
Object.prototype.toString.call(crypto.createSecretKey("a","utf8"))
crypto.createPrivateKey(RSA).export({type:"sec1",format:"pem"})
crypto.createPrivateKey(RSA).export()
crypto.createPrivateKey({key:crypto.createPrivateKey(RSA).export({type:"pkcs8",format:"pem",cipher:"aes-256-cbc",passphrase:"p"}),passphrase:"p"}).equals(crypto.createPrivateKey(RSA))
crypto.createHmac("sha256",crypto.createSecretKey("key","utf8")).update("data").digest("hex")
crypto.createHmac("sha256",crypto.createPrivateKey(RSA))
crypto.generateKeyPairSync("rsa",{modulusLength:1024,publicKeyEncoding:{type:"spki",format:"pem"},privateKeyEncoding:{type:"pkcs8",format:"pem"}}).publicKey.split("\n")[0]
crypto.generateKeyPairSync("ec",{namedCurve:"P-256"}).publicKey.asymmetricKeyDetails
crypto.generateKeyPairSync("ed25519").privateKey.asymmetricKeyType
crypto.generateKeyPairSync("x25519").publicKey.type
crypto.generateKeyPairSync("nope")
crypto.generateKeyPairSync("ec",{namedCurve:"nope"})
crypto.generateKeySync("aes",{length:256}).symmetricKeySize
crypto.generateKeySync("hmac",{length:64}).symmetricKeySize
await new Promise(r=>crypto.generateKeyPair("ec",{namedCurve:"secp256k1"},(e,a,b)=>r([e,a.type,b.type])))
""".strip().splitlines()

SIGNATURES = r"""
crypto.createSign("RSA-SHA256").update("abc").sign(RSA,"base64")
crypto.createSign("sha512").update("a").update("6263","hex").sign(RSA,"hex")
crypto.createSign("sha1").update("abc").sign({key:RSA}).toString("base64url")
crypto.createSign("RSA-MD5").update("abc").sign(RSA,"hex")
crypto.createSign("sha256").update("abc").sign({key:LOCKED,passphrase:"secret"},"hex")
crypto.createSign("sha256").end("abc").sign(crypto.createPrivateKey(RSA),"hex")
crypto.createVerify("RSA-SHA256").update("abc").verify(RSA_PUB,crypto.createSign("RSA-SHA256").update("abc").sign(RSA))
crypto.createVerify("RSA-SHA256").update("abd").verify(RSA_PUB,crypto.createSign("RSA-SHA256").update("abc").sign(RSA))
crypto.createVerify("sha256").update("abc").verify(RSA,crypto.createSign("sha256").update("abc").sign(RSA,"hex"),"hex")
crypto.createVerify("sha256").update("abc").verify(RSA_PUB,"AAAA","base64")
crypto.createVerify("sha256").update("abc").verify(EC_PUB,crypto.createSign("sha256").update("abc").sign(EC))
crypto.createVerify("sha384").update("abc").verify(EC384_PUB,crypto.createSign("sha384").update("abc").sign({key:EC384,dsaEncoding:"ieee-p1363"}))
crypto.createVerify("sha384").update("abc").verify({key:EC384_PUB,dsaEncoding:"ieee-p1363"},crypto.createSign("sha384").update("abc").sign({key:EC384,dsaEncoding:"ieee-p1363"}))
crypto.createSign("sha384").update("abc").sign({key:EC384,dsaEncoding:"ieee-p1363"}).length
crypto.createVerify("sha256").update("abc").verify({key:RSA_PUB,padding:crypto.constants.RSA_PKCS1_PSS_PADDING},crypto.createSign("sha256").update("abc").sign({key:RSA,padding:crypto.constants.RSA_PKCS1_PSS_PADDING}))
crypto.createVerify("sha256").update("abc").verify({key:RSA_PUB,padding:6,saltLength:32},crypto.createSign("sha256").update("abc").sign({key:RSA,padding:6,saltLength:-1}))
crypto.createVerify("sha256").update("abc").verify({key:RSA_PUB,padding:6,saltLength:20},crypto.createSign("sha256").update("abc").sign({key:RSA,padding:6,saltLength:-1}))
crypto.sign("sha256",Buffer.from("abc"),RSA).toString("hex")
crypto.sign(null,Buffer.from("abc"),ED).toString("hex")
crypto.verify(null,Buffer.from("abc"),ED_PUB,crypto.sign(undefined,Buffer.from("abc"),ED))
crypto.verify("sha256",Buffer.from("abc"),EC_PUB,crypto.sign("sha256",Buffer.from("abc"),EC))
crypto.verify(null,Buffer.from("abc"),ED_PUB,Buffer.alloc(64))
await new Promise(r=>crypto.sign("sha256",Buffer.from("abc"),RSA,(e,s)=>r([e,s.toString("hex")])))
crypto.createSign("nope")
crypto.createSign(5)
crypto.createSign("sha256").update("a").sign()
crypto.createSign("sha256").update("a").sign("nope")
crypto.createSign("sha256").update("a").sign(RSA_PUB)
crypto.createSign("sha256").update(5)
crypto.publicDecrypt(RSA_PUB,crypto.privateEncrypt(RSA,Buffer.from("hello"))).toString()
crypto.privateEncrypt(RSA,Buffer.from("hello")).toString("hex")
crypto.privateDecrypt(RSA,crypto.publicEncrypt(RSA_PUB,Buffer.from("hello"))).toString()
crypto.privateDecrypt({key:RSA,oaepHash:"sha256"},crypto.publicEncrypt({key:RSA_PUB,oaepHash:"sha256"},Buffer.from("hello"))).toString()
crypto.privateDecrypt({key:RSA,oaepHash:"sha256",oaepLabel:Buffer.from("l")},crypto.publicEncrypt({key:RSA_PUB,oaepHash:"sha256",oaepLabel:Buffer.from("l")},Buffer.from("hello"))).toString()
crypto.publicEncrypt({key:RSA_PUB,padding:crypto.constants.RSA_NO_PADDING},Buffer.alloc(256,1)).toString("hex")
crypto.publicEncrypt(RSA_PUB,Buffer.alloc(1000))
crypto.privateDecrypt(RSA,Buffer.alloc(256,7))
crypto.publicEncrypt({key:RSA_PUB,padding:crypto.constants.RSA_PKCS1_PADDING},Buffer.from("x")).length
crypto.publicEncrypt({key:RSA,oaepHash:"nope"},Buffer.from("x"))
""".strip().splitlines()

CIPHERS = r"""
enc("aes-128-cbc",16,16,"hello world")
enc("aes-192-cbc",24,16,"")
enc("aes-256-cbc",32,16,"sixteen bytes ok")
enc("AES-256-CBC",32,16,"a".repeat(100))
enc("aes256",32,16,"alias")
enc("aes-256-ctr",32,16,"a".repeat(37))
enc("aes-128-ecb",16,null,"hello ecb")
enc("aes-128-cfb",16,16,"hello cfb hello cfb")
enc("aes-128-cfb8",16,16,"hello cfb8 hello cfb8")
enc("aes-128-ofb",16,16,"hello ofb hello ofb hello")
enc("des-ede3-cbc",24,8,"hello 3des")
enc("aes-256-gcm",32,12,"hello gcm")
enc("aes-128-gcm",16,12,"")
enc("aes-256-gcm",32,16,"a longer vector")
enc("id-aes128-GCM",16,12,"alias")
enc("chacha20-poly1305",32,12,"hello chacha",{authTagLength:16})
enc("aes-128-ccm",16,12,"hello ccm",{authTagLength:16})
enc("aes-128-ocb",16,12,"hello ocb",{authTagLength:16})
dec("aes-128-cbc",16,16,"hello world")
dec("aes-256-cbc",32,16,"sixteen bytes ok")
dec("aes-256-ctr",32,16,"a".repeat(37))
dec("aes-128-ecb",16,null,"hello ecb")
dec("aes-128-cfb",16,16,"hello cfb hello cfb")
dec("aes-128-cfb8",16,16,"hello cfb8 hello cfb8")
dec("aes-128-ofb",16,16,"hello ofb hello ofb hello")
dec("des-ede3-cbc",24,8,"hello 3des")
dec("aes-256-gcm",32,12,"hello gcm")
dec("aes-256-gcm",32,16,"a longer vector")
dec("chacha20-poly1305",32,12,"hello chacha",{authTagLength:16})
bits("aes-128-cbc",16,16)
bits("aes-256-ctr",32,16)
bits("aes-128-cfb",16,16)
bits("aes-128-cfb8",16,16)
bits("aes-128-ofb",16,16)
bits("aes-128-ecb",16,null)
bits("aes-256-gcm",32,12)
crypto.createCipheriv("aes-256-ctr",k(32),Buffer.alloc(16,255)).update(Buffer.alloc(50),null,"hex")
crypto.createCipheriv("aes-128-cbc",k(16),k(16)).setAutoPadding(false).update("sixteen bytes ok","utf8","hex")
crypto.createCipheriv("aes-128-cbc",k(16),k(16)).setAutoPadding(false).final("hex")
(()=>{const c=crypto.createCipheriv("aes-128-cbc",k(16),k(16)).setAutoPadding(false);c.update("short");return c.final()})()
(()=>{const c=crypto.createDecipheriv("aes-128-cbc",k(16),k(16));c.update("00".repeat(15),"hex");return c.final()})()
(()=>{const c=crypto.createDecipheriv("aes-128-cbc",k(16),k(16));c.update("01".repeat(32),"hex");return c.final()})()
(()=>{const c=crypto.createDecipheriv("aes-256-gcm",k(32),k(12));c.setAuthTag(Buffer.alloc(16));c.update("00","hex");return c.final()})()
(()=>{const c=crypto.createDecipheriv("aes-256-gcm",k(32),k(12));c.update("00","hex");return c.final()})()
(()=>{const c=crypto.createCipheriv("aes-256-gcm",k(32),k(12));c.setAAD(Buffer.from("aad"));c.update("x");c.final();return c.getAuthTag()})()
(()=>{const c=crypto.createCipheriv("aes-256-gcm",k(32),k(12),{authTagLength:12});c.update("x");c.final();return c.getAuthTag()})()
(()=>{const c=crypto.createCipheriv("aes-256-gcm",k(32),k(12));return c.getAuthTag()})()
(()=>{const c=crypto.createCipheriv("aes-128-cbc",k(16),k(16));c.final();return c.update("x")})()
(()=>{const c=crypto.createCipheriv("aes-128-cbc",k(16),k(16));c.final();return c.final()})()
(()=>{const c=crypto.createDecipheriv("aes-256-gcm",k(32),k(12));return c.setAuthTag(Buffer.alloc(3))})()
crypto.createCipheriv("nope",k(16),k(16))
crypto.createCipheriv("aes-128-cbc",k(15),k(16))
crypto.createCipheriv("aes-128-cbc",k(16),k(15))
crypto.createCipheriv("aes-128-cbc",k(16),null)
crypto.createCipheriv("aes-128-cbc",5,k(16))
crypto.createCipheriv("aes-128-ccm",k(16),k(12))
crypto.createCipheriv("aes-128-cbc",k(16),k(16)).update(5)
crypto.createCipheriv("aes-128-cbc","0123456789abcdef","0123456789abcdef").update("x".repeat(16),"utf8","base64")
crypto.createCipheriv("aes-128-cbc",crypto.createSecretKey(k(16)),k(16)).final("hex")
(({nid,name,...info})=>info)(crypto.getCipherInfo("aes-256-gcm"))
(({nid,name,...info})=>info)(crypto.getCipherInfo("aes-128-cbc"))
(({nid,name,...info})=>info)(crypto.getCipherInfo("aes-256-ctr"))
(({nid,name,...info})=>info)(crypto.getCipherInfo("aes-128-ecb"))
crypto.getCipherInfo("aes-128-cbc",{keyLength:5})
crypto.getCipherInfo("nope")
crypto.getCiphers().includes("aes-256-cbc")
""".strip().splitlines()
CIPHERS_BEFORE = """
const k = (n) => Buffer.from(Array.from({ length: n }, (_, i) => i * 7 + 1));
const make = (how, name, key, iv, options) => crypto[how](name, k(key), iv === null ? null : k(iv), options);
const enc = (name, key, iv, text, options) => {
    const c = make("createCipheriv", name, key, iv, options);
    const out = [c.update(text, "utf8", "hex") + c.final("hex")];
    if (c.getAuthTag && /gcm|ccm|ocb|chacha/i.test(name)) out.push(c.getAuthTag().toString("hex"));
    return out;
};
const dec = (name, key, iv, text, options) => {
    const [data, tag] = enc(name, key, iv, text, options), d = make("createDecipheriv", name, key, iv, options);
    if (tag) d.setAuthTag(Buffer.from(tag, "hex"));
    return d.update(data, "hex", "utf8") + d.final("utf8");
};
const bits = (name, key, iv) => {
    const c = make("createCipheriv", name, key, iv), sizes = [1, 15, 16, 17, 0, 31, 5, 64, 3], out = [];
    for (const size of sizes) out.push(c.update(Buffer.alloc(size, size)).toString("hex"));
    out.push(c.final("hex"));
    const d = make("createDecipheriv", name, key, iv), all = Buffer.from(out.join(""), "hex");
    if (/gcm/.test(name)) d.setAuthTag(c.getAuthTag());
    const back = [];
    for (let at = 0; at < all.length; at += 13) back.push(d.update(all.subarray(at, at + 13)).toString("hex"));
    back.push(d.final("hex"));
    return JSON.stringify([out, back]);
};
"""

DERIVED = r"""
crypto.pbkdf2Sync("password","salt",1000,32,"sha256").toString("hex")
crypto.pbkdf2Sync("password",Buffer.from("salt"),1,20,"sha1").toString("hex")
crypto.pbkdf2Sync("p","s",10,100,"sha512").toString("base64")
await new Promise(r=>crypto.pbkdf2("password","salt",2,16,"md5",(e,k)=>r([e,k.toString("hex")])))
crypto.pbkdf2Sync("p","s",0,16,"sha256")
crypto.pbkdf2Sync("p","s",1.5,16,"sha256")
crypto.pbkdf2Sync("p","s",1,-1,"sha256")
crypto.pbkdf2Sync("p","s",1,16,"nope")
crypto.pbkdf2Sync("p","s",1,16)
crypto.pbkdf2Sync(5,"s",1,16,"sha1")
crypto.pbkdf2("p","s",1,16,"sha1")
crypto.scryptSync("password","salt",64).toString("hex")
crypto.scryptSync("password","salt",32,{N:1024,r:8,p:1}).toString("hex")
crypto.scryptSync("password","salt",32,{cost:512,blockSize:4,parallelization:2}).toString("hex")
crypto.scryptSync("password","salt",32,{N:1000})
crypto.scryptSync("password","salt",32,{N:2**20})
crypto.scryptSync("password","salt",32,{N:1024,cost:5})
await new Promise(r=>crypto.scrypt("a","b",8,(e,k)=>r([e,k.toString("hex")])))
Buffer.from(crypto.hkdfSync("sha256","key","salt","info",42)).toString("hex")
crypto.hkdfSync("sha512","key","salt","info",10).constructor.name
crypto.hkdfSync("sha256","key","salt","info",256*32)
crypto.hkdfSync("nope","key","salt","info",32)
await new Promise(r=>crypto.hkdf("sha1","k",Buffer.alloc(0),"i",16,(e,k)=>r([e,Buffer.from(k).toString("hex")])))
(()=>{const a=crypto.createECDH("secp256k1"),b=crypto.createECDH("secp256k1");a.generateKeys();b.generateKeys();return a.computeSecret(b.getPublicKey(),null,"hex")===b.computeSecret(a.getPublicKey("hex"),"hex","hex")})()
(()=>{const a=crypto.createECDH("prime256v1");a.setPrivateKey("11".repeat(32),"hex");return [a.getPublicKey("hex"),a.getPublicKey("hex","compressed"),a.getPrivateKey("hex")]})()
crypto.createECDH("nope")
crypto.createECDH("prime256v1").computeSecret("00","hex")
crypto.ECDH.convertKey("03"+"6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296","prime256v1","hex","hex","uncompressed").length
crypto.diffieHellman({privateKey:crypto.createPrivateKey(X),publicKey:crypto.createPublicKey(X_PUB)}).toString("hex")
crypto.diffieHellman({privateKey:crypto.createPrivateKey(EC),publicKey:crypto.createPublicKey(EC)}).toString("hex")
(()=>{const p=DHP,a=crypto.createDiffieHellman(p,"hex"),b=crypto.createDiffieHellman(p,"hex",2);a.setPrivateKey("05","hex");b.setPrivateKey("07".repeat(20),"hex");return [a.generateKeys("hex"),b.generateKeys("hex"),a.computeSecret(b.getPublicKey(),null,"hex"),a.getGenerator("hex")]})()
typeof crypto.constants.RSA_PKCS1_OAEP_PADDING
crypto.hash === undefined || crypto.hash("sha1","abc")
crypto.timingSafeEqual(Buffer.from("a"),new Uint8Array([97]))
crypto.randomFillSync(new Uint32Array(4)).length
crypto.randomFillSync(Buffer.alloc(4),5)
crypto.randomFillSync("abc")
""".strip().splitlines()


@needs_node
async def test_keys_are_read_and_written_as_node_does(scripts: Scripts) -> None:
    await compare(scripts, KEYS, keys())


@needs_node
async def test_signatures_and_rsa_are_nodes(scripts: Scripts) -> None:
    await compare(scripts, SIGNATURES, keys())


@needs_node
async def test_ciphers_are_nodes(scripts: Scripts) -> None:
    await compare(scripts, CIPHERS, CIPHERS_BEFORE)


@needs_node
async def test_derived_and_agreed_keys_are_nodes(scripts: Scripts) -> None:
    await compare(scripts, DERIVED, keys())
