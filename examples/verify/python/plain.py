"""Checks one request without a library, whatever bytes its body has.

    WEBHOOK_SECRET=whsec_… python plain.py <webhook-id> <webhook-timestamp> <webhook-signature> < body
"""

import base64
import hashlib
import hmac
import os
import sys
import time

TOLERANCE_S = 5 * 60


def verify(secret: str, id: str, timestamp: str, signatures: str, body: bytes) -> None:
    """Raises ValueError unless the body is genuine and recent."""
    if not abs(time.time() - int(timestamp)) <= TOLERANCE_S:
        raise ValueError("too old, or too new")
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{id}.{timestamp}.".encode() + body
    expected = b"v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest())
    # There can be several, with spaces between them.
    given = signatures.encode().split(b" ")
    if not any(hmac.compare_digest(signature, expected) for signature in given):
        raise ValueError("no signature matches")


if __name__ == "__main__":
    verify(os.environ["WEBHOOK_SECRET"], *sys.argv[1:4], sys.stdin.buffer.read())
    print("genuine")
