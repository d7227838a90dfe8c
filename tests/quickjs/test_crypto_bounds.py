"""What a function may ask of cryptography: bounded, deterministic as far as can be, and at the function's own cost."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.javascript import Scripts, call_of

from isthmus_quickjs import _natives

BOUNDED = {
    "iterations": "crypto.pbkdf2Sync('a', 'b', 2 ** 31 - 1, 64, 'sha512')",
    "a long key of many iterations": "crypto.pbkdf2Sync('a', 'b', 100_000, 2 ** 20, 'sha1')",
    "scrypt's work": "crypto.scryptSync('a', 'b', 64, { N: 2 ** 14, r: 8, p: 1000 })",
    "scrypt's memory": "crypto.scryptSync('a', 'b', 64, { N: 2 ** 20, r: 8, p: 1, maxmem: 2 ** 40 })",
    "the bits of an RSA key": "crypto.generateKeyPairSync('rsa', { modulusLength: 16384 })",
    "an exponent": "crypto.generateKeyPairSync('rsa', { modulusLength: 2048, publicExponent: 5 })",
    "a modulus": "crypto.createDiffieHellman(Buffer.alloc(600, 255)).generateKeys()",
}


@pytest.mark.parametrize("asked", BOUNDED.values(), ids=BOUNDED.keys())
async def test_what_would_take_long_is_refused_at_once(scripts: Scripts, asked: str) -> None:
    body = f"try {{ {asked} }} catch (error) {{ return [error instanceof RangeError, error.code] }}"
    said: Any = await (await scripts.body(body)).value()
    assert said[0] is True
    assert said[1] in {"ERR_OUT_OF_RANGE", "ERR_CRYPTO_INVALID_SCRYPT_PARAMS"}


async def test_what_the_host_computes_is_the_calls_own_time(scripts: Scripts) -> None:
    body = "for (;;) crypto.pbkdf2Sync('a', 'b', 20_000, 32, 'sha256')"
    killed = await (await scripts.body(body, cpu=0.2)).killed()
    assert killed.reason == "cpu"


DETERMINISTIC = """
    const pair = crypto.generateKeyPairSync("ec", { namedCurve: "P-256" });
    const ed = crypto.generateKeyPairSync("ed25519");
    const aes = await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, true, ["encrypt"]);
    return [
        pair.privateKey.export({ format: "jwk" }), ed.privateKey.export({ format: "jwk" }),
        crypto.sign("sha256", Buffer.from("data"), pair.privateKey).toString("hex"),
        await crypto.subtle.exportKey("jwk", aes), crypto.createECDH("secp384r1").generateKeys("hex"),
    ];
"""


async def test_keys_and_signatures_come_again_with_the_seed(scripts: Scripts) -> None:
    script = await scripts.body(DETERMINISTIC)
    first: Any = await script.value(call_of(seed=bytes(32)))
    assert await script.value(call_of(seed=bytes(32))) == first
    other: Any = await script.value(call_of(seed=b"1" * 32))
    assert all(one != two for one, two in zip(first, other, strict=True))


SECRET = "a passphrase that nobody may read"
REFUSALS = {
    "an unknown operation": ("crypto:steal", {"sizes": []}, KeyError),
    "a field too many": ("crypto:agree", {"sizes": [0, 0], "path": "/etc/passwd"}, ValueError),
    "too few byte strings": ("crypto:agree", {"sizes": [0]}, ValueError),
    "a negative size": ("crypto:agree", {"sizes": [-1, 0]}, ValueError),
    "an unknown cipher": (
        "crypto:cipher",
        {"sizes": [0, 0, 0], "algorithm": "x", "mode": "cbc", "encrypt": True},
        ValueError,
    ),
    "a seed too short": ("crypto:makeKey", {"sizes": [0], "type": "ec", "curve": "prime256v1"}, ValueError),
}


@pytest.mark.parametrize(("op", "head", "error"), REFUSALS.values(), ids=REFUSALS.keys())
def test_the_host_answers_only_what_the_prelude_may_ask(
    op: str, head: dict[str, Any], error: type[Exception]
) -> None:
    text = json.dumps(head).encode()
    with pytest.raises(error):
        _natives.answer(op, len(text).to_bytes(4, "little") + text)


async def test_an_error_about_a_key_shows_nothing_of_it(scripts: Scripts) -> None:
    body = """
        const locked = crypto.generateKeyPairSync("ed25519").privateKey
            .export({ type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase: event.secret });
        try { crypto.createPrivateKey({ key: locked, passphrase: `${event.secret}!` }) } catch (error) {
            return `${error.stack} ${JSON.stringify(error)} ${locked.includes(error.message)}`;
        }
    """
    said: Any = await (await scripts.body(body)).value(call_of({"secret": SECRET}))
    assert "bad decrypt" in said
    assert SECRET not in said


SIGV4 = """
    const hmac = (key, text) => crypto.createHmac("sha256", key).update(text).digest();
    const key = ["20150830", "us-east-1", "iam", "aws4_request"].reduce(hmac, `AWS4${event.secret}`);
    return crypto.createHmac("sha256", key).update(event.text).digest("hex");
"""


async def test_aws_signing_by_hand(scripts: Scripts) -> None:
    """The example of AWS's documentation of Signature Version 4."""
    text = (
        "AWS4-HMAC-SHA256\n20150830T123600Z\n20150830/us-east-1/iam/aws4_request\n"
        "f536975d06c0309214f805bb90ccff089219ecd68b2577efef23edd43b7e1a59"
    )
    argument = {"secret": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "text": text}
    expected = "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"
    assert await (await scripts.body(SIGV4)).value(call_of(argument)) == expected


JWT = """
    const { privateKey, publicKey } = crypto.generateKeyPairSync("ec", { namedCurve: "P-256" });
    const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const text = `${part({ alg: "ES256" })}.${part({ sub: "me" })}`;
    const signature = crypto.createSign("sha256").update(text).sign({ key: privateKey, dsaEncoding: "ieee-p1363" });
    const key = await crypto.subtle.importKey("jwk", publicKey.export({ format: "jwk" }), { name: "ECDSA", namedCurve: "P-256" }, false, ["verify"]);
    return crypto.subtle.verify({ name: "ECDSA", hash: "SHA-256" }, key, signature, new TextEncoder().encode(text));
"""


async def test_a_token_signed_with_nodes_module_is_verified_by_webcryptos(scripts: Scripts) -> None:
    assert await (await scripts.body(JWT)).value() is True
