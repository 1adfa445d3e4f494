"""Rime's streaming HTTP endpoint."""

from __future__ import annotations

import io
import wave

import httpx
import pytest

from simulator.audio import ulaw_encode
from tests.simulator.rime_house import speaks, spoken

HEADERS = {"authorization": "Bearer simulated", "accept": "audio/pcm"}
BODY = {"text": "Good morning.", "speaker": "astra", "modelId": "coda", "samplingRate": 8000}


@pytest.fixture
async def rime(simulator):
    async with httpx.AsyncClient(base_url=simulator.url, trust_env=False, timeout=30) as client:

        async def post(body=BODY, **headers):
            kind = {"content": body} if isinstance(body, bytes) else {"json": body}
            return await client.post("/v1/rime-tts", headers={**HEADERS, **headers}, **kind)

        yield post


@speaks
async def test_the_accept_header_chooses_the_encoding(rime, simulator):
    samples = await spoken(simulator, "Good morning.")
    for kind in ("audio/pcm", "audio/L16"):
        answer = await rime(accept=kind)
        assert (answer.status_code, answer.headers["content-type"]) == (200, kind)
        assert answer.content == samples.tobytes()
    assert (await rime(accept="audio/PCMU")).content == ulaw_encode(samples)
    answer = await rime(accept="audio/wav")
    assert answer.content[:4] == b"RIFF"
    with wave.open(io.BytesIO(answer.content)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (8000, 1, 2)
        assert answer.content.endswith(samples.tobytes())


@speaks
@pytest.mark.parametrize(
    ("more", "wpm"),
    [
        ({"timeScaleFactor": 0.8}, 206),
        ({"speedAlpha": 0.8}, 132),
        ({"modelId": "mistv2", "speedAlpha": 0.8, "timeScaleFactor": 2}, 206),
    ],
)
async def test_speed_means_what_it_means_to_the_model(rime, simulator, more, wpm):
    answer = await rime({**BODY, **more})
    assert answer.content == (await spoken(simulator, "Good morning.", wpm=wpm)).tobytes()


REFUSED = [
    (b"", 400, "request body is required"),
    (b"[1]", 400, "payload must be an object"),
    (b"nonsense", 400, "payload must be an object"),
    ({"speaker": "astra"}, 400, "text is required"),
    ({**BODY, "text": 5}, 400, "text must be a string"),
    ({**BODY, "text": ""}, 400, "text must not be empty"),
    ({**BODY, "text": "x" * 1001}, 400, "text is too long"),
    ({"text": "Hello."}, 400, "speaker is required"),
    ({**BODY, "lang": 5}, 400, "lang must be a string"),
    ({**BODY, "lang": "tlh"}, 400, "Language tlh is not supported for model coda"),
    ({**BODY, "speaker": "nobody"}, 400, "Speaker 'nobody' doesn't match list of available voices"),
    ({**BODY, "timeScaleFactor": "slow"}, 400, "timeScaleFactor must be a number"),
    ({**BODY, "samplingRate": True}, 400, "samplingRate must be an integer"),
]


async def test_requests_that_are_refused(rime):
    for body, status, text in REFUSED:
        answer = await rime(body)
        assert (body, answer.status_code) == (body, status)
        assert answer.text.startswith(text)
        assert answer.headers["content-type"].startswith("text/plain")
    assert (await rime(accept="audio/mpeg")).text.startswith("The simulator plays audio/pcm")
    assert (await rime(authorization="Bearer")).status_code == 401


async def test_faults(rime, control):
    await control.post("/faults", json={"service": "rime", "fault": {"where": "request", "code": 401}})
    answer = await rime()
    assert (answer.status_code, answer.text) == (401, "invalid api key")
