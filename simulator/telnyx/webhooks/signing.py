"""The ed25519 key that signs webhooks and TeXML requests.

Source: Telnyx, "Webhook Fundamentals"; the same rule as `telnyx.lib.webhook_verification` checks.
"""

from __future__ import annotations

import base64
import os
from pathlib import Path

from nacl.signing import SigningKey


class Signer:
    def __init__(self, key: SigningKey) -> None:
        self._key = key
        self.public_key = base64.b64encode(bytes(key.verify_key)).decode()
        """What `TELNYX_PUBLIC_KEY` holds: base64 of 32 raw bytes."""

    def headers(self, body: bytes, unix_seconds: int) -> dict[str, str]:
        """Headers over `{timestamp}|{raw body}`."""
        signature = self._key.sign(f"{unix_seconds}|".encode() + body).signature
        return {
            "Telnyx-Signature-Ed25519": base64.b64encode(signature).decode(),
            "Telnyx-Timestamp": str(unix_seconds),
        }


def load_signer(path: Path) -> Signer:
    """The key kept in `path`, made on first use (mode 0600), so that the public key outlives a restart.

    Raises ValueError with one sentence when the file holds something else.
    """
    try:
        seed = path.read_bytes()
    except FileNotFoundError:
        seed = bytes(SigningKey.generate())
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(seed)
    if len(seed) != 32:
        raise ValueError(f"{path} does not hold a signing key of 32 bytes: delete it, and a new one is made.")
    return Signer(SigningKey(seed))
