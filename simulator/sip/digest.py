"""Digest authentication as sip.telnyx.com demands it: 407, MD5, qop auth (RFC 7616).

Source: a trace of sip.telnyx.com; the arithmetic is aiosipua's.
"""

from __future__ import annotations

import hmac
import secrets
import uuid
from collections import OrderedDict
from collections.abc import Callable
from time import monotonic
from typing import Final

from aiosipua import (
    AuthChallenge,
    AuthCredentials,
    SipDigestAuth,
    SipRequest,
    build_credentials,
    parse_auth,
    stringify_auth,
)

from simulator.sip.answers import Refused

REALM: Final = "sip.telnyx.com"
_MOST_NONCES: Final = 2000
_NONCE_SECONDS: Final = 120.0
_LONGEST: Final = 256


class Challenges:
    """The nonces that were given out, the last 2,000, for two minutes each."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._opaque = str(uuid.uuid4())
        self._nonces: OrderedDict[str, float] = OrderedDict()

    def demand(self, *, stale: bool = False) -> Refused:
        """407, with a new nonce."""
        nonce = str(uuid.uuid4())
        self._nonces[nonce] = self._clock() + _NONCE_SECONDS
        if len(self._nonces) > _MOST_NONCES:
            self._nonces.popitem(last=False)
        given = {"realm": REALM, "nonce": nonce, "algorithm": "MD5", "qop": "auth", "opaque": self._opaque}
        if stale:
            given["stale"] = "true"
        return Refused(407, headers=(("Proxy-Authenticate", stringify_auth(AuthChallenge("Digest", given))),))

    def is_current(self, given: AuthCredentials) -> bool:
        """Whether the credentials answer a nonce of ours that has not run out."""
        return self._nonces.get(given.params.get("nonce", ""), 0.0) > self._clock()


def credentials_of(request: SipRequest) -> AuthCredentials | None:
    """What a request proves itself with, if it does."""
    raw = request.get_header("proxy-authorization") or request.get_header("authorization")
    return None if raw is None else parse_auth(raw, credentials=True)


def proves(given: AuthCredentials, request: SipRequest, password: str) -> bool:
    """Whether whoever sent `request` knows the password. Does not look at the nonce."""
    params = given.params
    if given.scheme.lower() != "digest" or any(len(value) > _LONGEST for value in params.values()):
        return False
    counted = params.get("nc", "1")
    challenge = AuthChallenge(
        "Digest",
        {
            "realm": REALM,
            "nonce": params.get("nonce", ""),
            "algorithm": "MD5",
            # Without qop it is an answer in the way of RFC 2069, which Telnyx takes as well.
            **({"qop": "auth"} if "qop" in params else {}),
        },
    )
    try:
        expected = build_credentials(
            SipDigestAuth(params.get("username", ""), password),
            challenge,
            request.method,
            params.get("uri", ""),
            nonce_count=int(counted, 16),
            cnonce=params.get("cnonce", secrets.token_hex(8)),
        )
    except ValueError:
        return False
    if expected is None:
        return False
    return hmac.compare_digest(expected.params["response"].encode(), params.get("response", "").lower().encode())
