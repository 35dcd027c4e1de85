"""Checks one request by the public key of its namespace: no secret is needed for that.

    pip install cryptography
    JWKS_URL=http://127.0.0.1:8090/.well-known/jwks.json \
        python public.py <webhook-id> <webhook-timestamp> <webhook-signature> < body
"""

import base64
import json
import os
import sys
import time
import urllib.request

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

TOLERANCE_S = 5 * 60


def public_key(jwk: dict) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(jwk["x"] + "="))


def verify(keys: list[dict], id: str, timestamp: str, signatures: str, body: bytes) -> None:
    """Raises ValueError unless the body is genuine and recent. The keys are those of the JWKS."""
    if not abs(time.time() - int(timestamp)) <= TOLERANCE_S:
        raise ValueError("too old, or too new")
    signed = f"{id}.{timestamp}.".encode() + body
    # There can be several, with spaces between them, and those that are made with a secret.
    for signature in signatures.split(" "):
        version, _, value = signature.partition(",")
        if version != "v1a":
            continue
        for key in keys:
            try:
                public_key(key).verify(base64.b64decode(value), signed)
                return
            except InvalidSignature:
                pass
    raise ValueError("no signature matches")


# Keep the keys for as long as cache-control says, and ask again when none of them matches.
with urllib.request.urlopen(os.environ["JWKS_URL"]) as response:
    keys = json.load(response)["keys"]
verify(keys, *sys.argv[1:4], sys.stdin.buffer.read())
print("genuine")
