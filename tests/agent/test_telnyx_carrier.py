from __future__ import annotations

import base64
import json
import time
from dataclasses import replace
from typing import Any

import pytest
from nacl.signing import SigningKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from agent.carriers import telnyx, texml
from agent.carriers.line_codec import LineFormat
from agent.carriers.telnyx import BadWebhook, CarrierError, Dial, SeenEvents, Telnyx

DIAL = Dial(
    to="+15550100123",
    from_="+15550100000",
    connection_id="77",
    stream_url="ws://127.0.0.1:1/media/t",
    webhook_url="http://127.0.0.1:1/webhooks/telnyx",
    command_id="c_1",
    client_state="c_1",
    media=LineFormat("PCMA", 8000),
    ring_s=30,
    time_limit_s=900,
)
TAKEN = {
    "record_type": "call",
    "call_control_id": "v3:x",
    "call_leg_id": "l",
    "call_session_id": "s",
    "is_alive": False,
}


class Rest:
    """A Telnyx that answers what a test says and keeps what it was asked."""

    def __init__(self, status: int, body: Any) -> None:
        self._status, self._body = status, body
        self.requests: list[tuple[str, dict[str, str], Any]] = []
        self.app = Starlette(routes=[Route("/v2/{path:path}", self._answer, methods=["POST"])])

    async def _answer(self, request: Request) -> JSONResponse:
        self.requests.append((request.url.path, dict(request.headers), json.loads(await request.body() or b"{}")))
        return JSONResponse(self._body, self._status)


def carrier(port: int) -> Telnyx:
    made = Telnyx(f"http://127.0.0.1:{port}/v2", "KEYtest")
    made.connect()
    return made


async def test_a_dial_says_all_that_a_two_way_call_needs(serve: Any) -> None:
    rest = Rest(200, {"data": TAKEN})
    async with serve(rest.app) as port:
        placed = await carrier(port).dial(DIAL)

    ((path, headers, body),) = rest.requests
    assert path == "/v2/calls"
    assert headers["authorization"] == "Bearer KEYtest"
    assert placed == telnyx.Placed("v3:x", "l", "s")
    assert body == {
        "connection_id": "77",
        "to": "+15550100123",
        "from": "+15550100000",
        "command_id": "c_1",
        "client_state": base64.b64encode(b"c_1").decode(),
        "webhook_url": "http://127.0.0.1:1/webhooks/telnyx",
        "webhook_url_method": "POST",
        "stream_url": "ws://127.0.0.1:1/media/t",
        "stream_track": "inbound_track",
        "stream_codec": "PCMA",
        "stream_bidirectional_mode": "rtp",
        "stream_bidirectional_codec": "PCMA",
        "stream_bidirectional_sampling_rate": 8000,
        "stream_bidirectional_target_legs": "self",
        "timeout_secs": 30,
        "time_limit_secs": 900,
    }


async def test_hd_is_asked_for_as_16_khz_in_both_directions(serve: Any) -> None:
    rest = Rest(200, {"data": TAKEN})
    async with serve(rest.app) as port:
        await carrier(port).dial(replace(DIAL, media=LineFormat("L16", 16_000)))

    asked = {name: value for name, value in rest.requests[0][2].items() if "codec" in name or "rate" in name}
    assert asked == {
        "stream_codec": "L16",
        "stream_bidirectional_codec": "L16",
        "stream_bidirectional_sampling_rate": 16_000,
    }


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_a_dial_that_failed_is_never_repeated(serve: Any, status: int) -> None:
    rest = Rest(status, {"errors": [{"code": "10007", "title": "Internal server error"}]})
    async with serve(rest.app) as port:
        with pytest.raises(CarrierError, match=f"Internal server error \\(HTTP {status}, 10007\\)"):
            await carrier(port).dial(DIAL)

    assert len(rest.requests) == 1


async def test_telnyx_own_words_are_passed_on(serve: Any) -> None:
    error = {
        "code": "10010",
        "title": "Not authorized",
        "detail": "Dialed number is not included in whitelisted countries D13",
    }
    async with serve(Rest(403, {"errors": [error]}).app) as port:
        with pytest.raises(CarrierError, match="whitelisted countries D13") as refused:
            await carrier(port).dial(DIAL)

    assert refused.value.code == "10010"


@pytest.mark.parametrize("body", [{}, {"errors": []}, {"errors": "x"}, [], "x", {"errors": [{"detail": None}]}])
async def test_an_error_without_an_explanation_is_still_one(serve: Any, body: Any) -> None:
    async with serve(Rest(422, body).app) as port:
        with pytest.raises(CarrierError, match="HTTP 422"):
            await carrier(port).dial(DIAL)


async def test_a_carrier_that_is_not_there_is_named() -> None:
    with pytest.raises(CarrierError, match="cannot be reached"):
        await carrier(9).dial(DIAL)


async def test_a_call_that_had_ended_is_hung_up_already(serve: Any) -> None:
    gone = {"errors": [{"code": "90018", "title": "Call has already ended"}]}
    async with serve(Rest(422, gone).app) as port:
        assert not await carrier(port).hang_up("v3:x")
    async with serve(Rest(200, {"data": {"result": "ok"}}).app) as port:
        assert await carrier(port).hang_up("v3:x")


KEY = SigningKey.generate()
PUBLIC = base64.b64encode(bytes(KEY.verify_key)).decode()


def signed(body: bytes, at: float | None = None, key: SigningKey = KEY) -> dict[str, str]:
    stamp = str(int(time.time() if at is None else at))
    signature = key.sign(stamp.encode() + b"|" + body).signature
    return {"telnyx-timestamp": stamp, "telnyx-signature-ed25519": base64.b64encode(signature).decode()}


def test_a_good_signature_gives_the_age() -> None:
    age = telnyx.check_signature(b"{}", signed(b"{}", time.time() - 10), PUBLIC)
    assert 9_000 <= age <= 12_000


@pytest.mark.parametrize(
    ("headers", "public_key"),
    [
        ({}, PUBLIC),
        (signed(b"{}"), ""),
        (signed(b"{}"), "not a key"),
        (signed(b"other"), PUBLIC),
        (signed(b"{}", time.time() - 3_600), PUBLIC),
        (signed(b"{}", time.time() + 3_600), PUBLIC),
        (signed(b"{}", key=SigningKey.generate()), PUBLIC),
        ({**signed(b"{}"), "telnyx-timestamp": "soon"}, PUBLIC),
        ({**signed(b"{}"), "telnyx-signature-ed25519": "AAAA"}, PUBLIC),
    ],
    ids=["unsigned", "no key", "bad key", "other body", "too old", "too new", "other key", "bad time", "short"],
)
def test_everything_else_is_refused(headers: dict[str, str], public_key: str) -> None:
    with pytest.raises(BadWebhook):
        telnyx.check_signature(b"{}", headers, public_key)


PRODUCTION = {
    "data": {
        "event_type": "call.hangup",
        "id": "e1",
        "occurred_at": "2025-11-23T03:30:30.816307Z",
        "payload": {
            "call_control_id": "v3:x",
            "client_state": None,
            "hangup_cause": "normal_clearing",
            "hangup_source": "caller",
            "sip_hangup_cause": "200",
            "from": "+12025550133",
        },
        "record_type": "event",
    },
    "meta": {"attempt": 2, "delivered_to": "https://app.example.com"},
}


def test_a_production_webhook_is_read_without_the_fields_it_leaves_out() -> None:
    hook = telnyx.parse_webhook(json.dumps(PRODUCTION).encode())

    assert (hook.data.event_type, hook.meta.attempt, hook.data.payload.hangup_source) == (
        "call.hangup",
        2,
        "caller",
    )
    assert hook.data.payload.to == ""


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[]", b'{"data":{}}', b'{"data":{"event_type":1,"id":"x","payload":{}}}', b"\xff"]
)
def test_what_is_no_envelope_is_refused(body: bytes) -> None:
    with pytest.raises(BadWebhook):
        telnyx.parse_webhook(body)


def test_a_repeated_event_is_known_and_the_memory_is_bounded() -> None:
    seen = SeenEvents(limit=3)
    assert [seen.again(event) for event in "aab"] == [False, True, False]
    for event in "cde":
        seen.again(event)
    assert not seen.again("a")


@pytest.mark.parametrize("state", [None, "", "%%%", "w6k", "/w=="])
def test_a_client_state_that_is_not_ours_is_empty(state: str | None) -> None:
    assert telnyx.decode_state(state) in ("", "é")
    assert telnyx.decode_state(telnyx.encode_state("c_1")) == "c_1"


def test_texml_connects_both_ways_and_leaves_no_paid_silence() -> None:
    document = texml.answer(
        'wss://x.example/media/a"&b',
        {"call": "<1>"},
        LineFormat("PCMU", 8000),
        "https://x.example/texml/status",
    )

    import xml.etree.ElementTree as ElementTree

    root = ElementTree.fromstring(document)
    assert [element.tag for element in root] == ["Connect", "Hangup"]
    stream = root[0][0]
    assert stream.attrib == {
        "url": 'wss://x.example/media/a"&b',
        "track": "inbound_track",
        "codec": "PCMU",
        "bidirectionalMode": "rtp",
        "bidirectionalCodec": "PCMU",
        "enableReconnect": "false",
        "statusCallback": "https://x.example/texml/status",
    }
    assert stream[0].attrib == {"name": "call", "value": "<1>"}
    assert "Pause" not in document
