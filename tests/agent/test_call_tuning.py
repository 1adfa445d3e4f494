"""Retuning a live call: from the operator's request through the tap to AssemblyAI, and into the definition."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve

from agent import api, definition, events
from agent.call_tuning import BY_VAD
from agent.definition import SHIPPED
from agent.definition_file import DefinitionFile
from agent.frameworks import Job
from agent.settings import Service
from tests.agent.server_house import House

U3, ENGLISH = "universal-3-6-pro", "universal-streaming-english"


class AssemblyAi:
    """An upstream that begins a session and keeps what it is sent."""

    def __init__(self) -> None:
        self.sent: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def session(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        model = ENGLISH if ENGLISH in connection.request.path else U3
        mode = None if model == ENGLISH else "balanced"
        begin = {"type": "Begin", "id": "1", "expires_at": 1, "configuration": {"model": model, "mode": mode}}
        await connection.send(json.dumps(begin))
        async for message in connection:
            if isinstance(message, str):
                self.sent.put_nowait(json.loads(message))

    async def told(self) -> dict[str, Any]:
        return await asyncio.wait_for(self.sent.get(), 10)


class Stage:
    """A call whose framework is connected to AssemblyAI, or not yet."""

    def __init__(self, house: House, assemblyai: AssemblyAi, call: str, job: Job, line: ClientConnection) -> None:
        self.house, self.assemblyai, self.call, self.job, self._line = house, assemblyai, call, job, line

    async def hang_up(self) -> None:
        await self.post("/hangup", {})
        await self._line.close()
        await self.house.told(self.call, "call.ended")

    @contextlib.asynccontextmanager
    async def listening(self, **query: str) -> AsyncIterator[Any]:
        asked = {"speech_model": U3, "mode": "balanced", "min_turn_silence": "320", **query}
        async with connect(f"{self.job.stt_url}?{urlencode(asked)}", proxy=None) as framework:
            await framework.recv()
            await self.house.told(self.call, "stt.begin")
            yield framework

    async def tune(self, fields: dict[str, Any], **more: Any) -> httpx.Response:
        return await self.post("/stt", {"fields": fields, **more})

    async def post(self, path: str, body: object) -> httpx.Response:
        return await self.house.http.post(f"/calls/{self.call}{path}", json=body, headers=self.house.bearer)


@pytest.fixture
async def stage(house: House, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stage]:
    # The carrier here never tells that the call is over.
    monkeypatch.setattr("agent.calls._WEBHOOK_WAIT_S", 0.05)
    upstream = AssemblyAi()
    async with serve(upstream.session, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        conversations = house.agent.calls._conversations
        here = Service(f"ws://127.0.0.1:{port}", "key")
        monkeypatch.setattr(conversations, "_settings", dataclasses.replace(house.agent.settings, assemblyai=here))
        call = (await house.dial()).json()["call"]
        async with talking(house) as (line, job):
            yield Stage(house, upstream, call, job, line)


@contextlib.asynccontextmanager
async def talking(house: House) -> AsyncIterator[tuple[ClientConnection, Job]]:
    """The media of the call that was dialled last, and its framework's job."""
    media = {"encoding": "PCMU", "sample_rate": 8000, "channels": 1}
    start = {"call_control_id": f"v3:{len(house.carrier.dials)}", "media_format": media}
    async with house.media() as line:
        await line.send('{"event":"connected","version":"1.0.0"}')
        await line.send(json.dumps({"event": "start", "stream_id": "s1", "start": start}))
        yield line, await asyncio.wait_for(house.framework.jobs.get(), 10)


async def test_what_is_tuned_reaches_the_live_session_and_the_journal(stage: Stage) -> None:
    async with stage.listening():
        fields = {"min_turn_silence": 600, "max_turn_silence": 1500, "end_of_turn_confidence_threshold": 0.7}
        answer = await stage.tune(fields, who="console")

        assert await stage.assemblyai.told() == {"type": "UpdateConfiguration", **fields}
    ignored = {"end_of_turn_confidence_threshold": "Universal-3 models do not use it"}
    assert (answer.status_code, answer.json()) == (200, {"sent": fields, "ignored": ignored})
    tuned = await stage.house.told(stage.call, "stt.tuned")
    assert isinstance(tuned, events.SttTuned)
    assert (tuned.session, tuned.who, tuned.fields, tuned.ignored) == (1, "console", fields, ignored)
    assert (await acted(stage, "tune")).detail.startswith("min_turn_silence=600 max_turn_silence=1500 ")


async def acted(stage: Stage, action: str) -> events.OperatorActed:
    """The operator's act of this kind, once it is journaled."""
    async with asyncio.timeout(10), stage.house.ws("/events?from=0", **stage.house.bearer) as stream:
        async for message in stream:
            assert isinstance(message, str)
            for event, _ in api.decode_message(message):
                if isinstance(event, events.OperatorActed) and event.action == action:
                    return event
    raise AssertionError(f"no {action}")


async def test_the_callers_turn_can_be_ended_by_hand(stage: Stage) -> None:
    async with stage.listening():
        answer = await stage.post("/stt", {"end_turn": True, "who": "agent"})

        assert await stage.assemblyai.told() == {"type": "ForceEndpoint"}
    assert (answer.status_code, answer.json()) == (200, {"sent": {}, "ignored": {}})
    # What the agent does by itself goes by that name alone.
    assert (await acted(stage, "end-turn")).who == "api"


async def test_what_makes_no_sense_is_refused_and_nothing_is_sent(stage: Stage) -> None:
    refusals: list[tuple[dict[str, Any], int, str]] = [
        ({"fields": {"min_turn_silense": 1}}, 422, "did you mean min_turn_silence?"),
        ({"fields": {"sample_rate": 8000}}, 422, "sample_rate works only when the session opens"),
        ({"fields": {"max_turn_silence": 300}}, 422, "is below min_turn_silence=320"),
        ({"fields": {"type": "Terminate"}}, 422, "no parameter type"),
        ({}, 422, "Give either fields to tune or end_turn"),
        ({"fields": {"min_turn_silence": 400}, "end_turn": True}, 422, "Give either fields to tune or end_turn"),
        ({"fields": 5}, 400, "The request's body is wrong"),
        ({"felds": {}}, 400, "The request's body is wrong"),
    ]
    async with stage.listening():
        for body, status, says in refusals:
            answer = await stage.post("/stt", body)
            assert (answer.status_code, says in answer.json()["error"]) == (status, True), answer.text

        await stage.tune({"min_turn_silence": 400})
        assert await stage.assemblyai.told() == {"type": "UpdateConfiguration", "min_turn_silence": 400}


async def test_universal_streaming_is_checked_by_its_own_rules(stage: Stage) -> None:
    async with stage.listening(speech_model=ENGLISH):
        refused = await stage.tune({"mode": "balanced"})
        taken = await stage.tune({"end_of_turn_confidence_threshold": 0.7, "interruption_delay": 0})

    assert "universal-streaming-english has no mode" in refused.json()["error"]
    assert taken.json()["ignored"] == {"interruption_delay": "Universal-Streaming models do not use it"}


async def test_without_a_session_or_a_call_nothing_can_be_tuned(stage: Stage) -> None:
    early = await stage.tune({"min_turn_silence": 400})
    assert (early.status_code, early.json()["error"]) == (
        409,
        "The call's speech recognition is not connected: try again when it is.",
    )
    nobody = await stage.house.http.post("/calls/c_no/stt", json={"end_turn": True}, headers=stage.house.bearer)
    assert (nobody.status_code, nobody.json()["error"]) == (404, "There is no call c_no.")

    await stage.hang_up()
    late = await stage.tune({"min_turn_silence": 400})
    assert (late.status_code, "has ended already" in late.json()["error"]) == (409, True)


@pytest.mark.parametrize("path", ["/calls/c_1/stt", "/calls/c_1/stt/save"])
async def test_nobody_tunes_without_the_token(house: House, path: str) -> None:
    assert (await house.http.post(path, json={})).status_code == 401


async def test_where_the_vad_ends_turns_silences_are_sent_with_a_warning(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    persona = tmp_path / "vad.toml"
    persona.write_text(SHIPPED.read_text().replace('ended_by = "assemblyai"', 'ended_by = "vad"'))
    by_vad = DefinitionFile(persona, definition.load(persona))
    monkeypatch.setattr(stage.house.agent.calls.tuning, "_file", by_vad)
    async with stage.listening():
        answer = await stage.tune({"min_turn_silence": 5000, "vad_threshold": 0.4})

        assert (await stage.assemblyai.told())["min_turn_silence"] == 5000
        assert answer.json()["ignored"] == {"min_turn_silence": BY_VAD}
        saved = (await stage.post("/stt/save", {})).json()

    assert (saved["values"], saved["left_out"]) == ({"vad_threshold": 0.4}, {"min_turn_silence": BY_VAD})


async def test_what_was_tuned_is_saved_and_later_calls_begin_with_it(stage: Stage, tmp_path: Path) -> None:
    async with stage.listening():
        await stage.tune({"min_turn_silence": 600, "keyterms_prompt": ["Ada"], "agent_context": "Which day?"})
        answer = await stage.post("/stt/save", {"who": "console"})

    copy = tmp_path / "front_desk.toml"
    values = {"min_turn_silence": 600, "keyterms_prompt": ["Ada"]}
    left_out = {"agent_context": "the framework sets it anew in each call"}
    assert answer.json() == {"path": str(copy), "values": values, "left_out": left_out}
    assert values.items() <= definition.load(copy).stt_parameters().items()
    assert definition.load(SHIPPED).turn.assemblyai.min_turn_silence == 320
    assert (await acted(stage, "save-tuning")).detail.startswith(f"{copy}: min_turn_silence=600")

    await stage.house.dial()
    async with talking(stage.house) as (_, job):
        assert values.items() <= job.definition.stt_parameters().items()
    health = await stage.house.http.get("/health", headers=stage.house.bearer)
    assert health.json()["definition"] == "front-desk"


async def test_it_can_still_be_saved_when_the_call_is_over(stage: Stage, tmp_path: Path) -> None:
    async with stage.listening():
        await stage.tune({"min_turn_silence": 600})
    await stage.hang_up()

    assert (await stage.post("/stt/save", {})).json()["values"] == {"min_turn_silence": 600}
    assert (await stage.post("/stt/save", {})).json()["values"] == {}
    assert definition.load(tmp_path / "front_desk.toml").turn.assemblyai.min_turn_silence == 600


async def test_what_cannot_be_saved_is_told(stage: Stage, tmp_path: Path) -> None:
    async with stage.listening():
        nothing = await stage.post("/stt/save", {})
        await stage.tune({"end_of_turn_confidence_threshold": 0.7})
        useless = await stage.post("/stt/save", {})
        await stage.tune({"min_turn_silence": 600})
        (tmp_path / "front_desk.toml").write_text("mine")
        taken = await stage.post("/stt/save", {})
    nobody = await stage.house.http.post("/calls/c_no/stt/save", json={}, headers=stage.house.bearer)

    assert [answer.status_code for answer in (nothing, useless, taken, nobody)] == [409, 409, 409, 404]
    assert nothing.json()["error"] == "There is nothing to save (nothing was tuned in this call)."
    assert "Universal-3 models do not use it" in useless.json()["error"]
    assert "exists already: restart the agent" in taken.json()["error"]
    assert (tmp_path / "front_desk.toml").read_text() == "mine"
