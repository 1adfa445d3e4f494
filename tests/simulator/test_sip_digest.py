"""Digest authentication of the simulated SIP trunk, against aiosipua's own arithmetic and RFC 2617's example."""

from __future__ import annotations

import pytest
from aiosipua import SipDigestAuth, SipRequest, build_credentials, parse_auth, stringify_auth

from simulator.sip.digest import Challenges, credentials_of, proves

URI = "sip:+15550100777@sip.telnyx.com"


def request(credentials: str, method: str = "INVITE") -> SipRequest:
    made = SipRequest(method=method, uri=URI)
    made.headers.set_single("Proxy-Authorization", credentials)
    return made


def answered(demanded: str, password: str = "open sesame", **more: str) -> SipRequest:
    challenge = parse_auth(demanded)
    challenge.params.update(more)
    given = build_credentials(SipDigestAuth("sidetone", password), challenge, "INVITE", URI)
    assert given is not None
    return request(stringify_auth(given))


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def demanded(challenges: Challenges) -> str:
    refused = challenges.demand()
    assert refused.status == 407
    ((name, value),) = refused.headers
    assert name == "Proxy-Authenticate"
    assert value.startswith('Digest realm="sip.telnyx.com", nonce="')
    assert 'algorithm=MD5, qop="auth", opaque="' in value
    return value


def test_the_right_password() -> None:
    challenges = Challenges()
    made = answered(demanded(challenges))
    given = credentials_of(made)
    assert given is not None
    assert proves(given, made, "open sesame")
    assert challenges.is_current(given)
    assert not proves(given, made, "open sesam")
    assert not proves(given, request("", "BYE"), "open sesame")


def test_an_answer_without_qop() -> None:
    """As clients of RFC 2069 give it."""
    made = answered(demanded(Challenges()).replace(', qop="auth"', ""))
    given = credentials_of(made)
    assert given is not None
    assert "qop" not in given.params
    assert proves(given, made, "open sesame")
    assert not proves(given, made, "other words")


def test_a_nonce_lasts_two_minutes() -> None:
    clock = Clock()
    challenges = Challenges(clock)
    made = answered(demanded(challenges))
    given = credentials_of(made)
    assert given is not None
    clock.now += 119
    assert challenges.is_current(given)
    clock.now += 2
    assert not challenges.is_current(given)
    assert "stale=true" in challenges.demand(stale=True).headers[0][1]


def test_a_nonce_of_somebody_else() -> None:
    made = answered(demanded(Challenges()), nonce="made-up")
    given = credentials_of(made)
    assert given is not None
    assert not Challenges().is_current(given)


def test_nonces_are_not_kept_for_ever() -> None:
    challenges = Challenges()
    first = credentials_of(answered(demanded(challenges)))
    for _ in range(2000):
        challenges.demand()
    last = credentials_of(answered(demanded(challenges)))
    assert first is not None
    assert last is not None
    assert not challenges.is_current(first)
    assert challenges.is_current(last)


@pytest.mark.parametrize(
    "credentials",
    [
        "Digest",
        "Basic c2lkZXRvbmU6b3BlbiBzZXNhbWU=",
        'Digest username="sidetone", response=""',
        'Digest username="sidetone", nonce="n", qop=auth, nc=zz, cnonce="c", response="0"',
        'Digest username="sidetone", nonce="n", qop=auth-int, nc=00000001, cnonce="c", response="é"',
        f'Digest username="{"x" * 10_000}", nonce="n", response="0"',
        'Digest username="sidetone", nonce="n", algorithm=SHA-256, response="' + "0" * 64 + '"',
    ],
)
def test_credentials_that_prove_nothing(credentials: str) -> None:
    made = request(credentials)
    given = credentials_of(made)
    assert given is not None
    assert not proves(given, made, "open sesame")
