"""``sidetone stt`` against an agent that answers as ours does."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from agent import api, paths
from agent.call_state import CallState
from agent.turn_detection import Listening
from console.command_line.app import app

TUNED = Listening(
    session=2,
    model="universal-3-6-pro",
    mode="balanced",
    engine="whisper tiny.en",
    parameters={"speech_model": "universal-3-6-pro", "mode": "balanced", "min_turn_silence": "320"},
    tuned={"max_turn_silence": 900, "prompt": "red\x1b[31m"},
    ignored={"formatted_finals": "AssemblyAI has no such parameter"},
)


@dataclass
class Said:
    status: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


class Agent:
    """Keeps what it is asked, and answers with ``answer``."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self.url = ""
        self.calls = [
            CallState("c_1aa", phase="listening", listening=TUNED),
            CallState("c_2bb", phase="ended"),
            CallState("c_2cc", phase="ended"),
        ]
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.answer: tuple[int, object] = (200, {})

    def routes(self) -> Starlette:
        posts = [Route(f"/calls/{{call}}/stt{end}", self._stt, methods=["POST"]) for end in ("", "/save")]
        return Starlette(routes=[Route("/calls", self._list), *posts])

    async def _list(self, request: Request) -> Response:
        allowed = request.headers["authorization"] == "Bearer let me in"
        return Response(
            msgspec.json.encode(self.calls if allowed else api.ErrorBody("No.")), 200 if allowed else 401
        )

    async def _stt(self, request: Request) -> Response:
        self.asked.append((request.url.path, await request.json()))
        status, body = self.answer
        return Response(json.dumps(body), status)

    async def told(self, *arguments: str) -> Said:
        """What ``sidetone stt`` says to these arguments."""
        status = await asyncio.to_thread(app, ["stt", *arguments], standalone_mode=False)
        out, err = self._capsys.readouterr()
        return Said(status, out, err)


@pytest.fixture
async def agent(capsys: pytest.CaptureFixture[str]) -> AsyncIterator[Agent]:
    made = Agent(capsys)
    server = uvicorn.Server(uvicorn.Config(made.routes(), port=0, lifespan="off", log_config=None, ws="none"))
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0)
    port = server.servers[0].sockets[0].getsockname()[1]
    made.url = f"http://127.0.0.1:{port}"
    api.AgentFile(os.getpid(), "127.0.0.1", port, "let me in", "1").write(paths.agent_file())
    yield made
    server.should_exit = True
    await serving


async def test_without_more_it_prints_the_settings_of_the_only_live_call(agent: Agent) -> None:
    said = await agent.told()

    assert (said.status, said.err) == (0, "")
    assert said.lines[0] == "c_1aa  universal-3-6-pro · mode balanced · whisper tiny.en · session 2"
    rows = {line.split()[0]: line for line in said.lines[1:]}
    assert rows["max_turn_silence"].split()[1:4] == ["900", "operator", "live"]
    assert rows["min_turn_silence"].split()[1:5] == ["320", "agent", "definition", "live"]
    assert rows["vad_threshold"].split()[1:4] == ["0.2", "service", "live"]
    assert rows["sample_rate"].split()[1:5] == ["16000", "service", "at", "connect"]
    assert "any turn ends" in rows["max_turn_silence"]
    assert "formatted_finals changes nothing: AssemblyAI has no such parameter." in said.lines
    assert "\x1b" not in said.out
    assert agent.asked == []


async def test_for_programs_each_setting_is_an_object(agent: Agent) -> None:
    rows = [json.loads(line) for line in (await agent.told("c_1", "--json")).lines]

    found = {row["name"]: row for row in rows}
    assert (found["max_turn_silence"]["value"], found["max_turn_silence"]["source"]) == (900, "operator")
    assert found["formatted_finals"] == {"name": "formatted_finals", "ignored": TUNED.ignored["formatted_finals"]}


async def test_values_are_sent_and_what_is_not_honoured_is_told(agent: Agent) -> None:
    agent.answer = (200, {"sent": {"min_turn_silence": 20}, "ignored": {"min_turn_silence": "20 counts as 50"}})
    said = await agent.told("min_turn_silence=20", "keyterms_prompt=half past three,Ada")

    fields = {"min_turn_silence": 20, "keyterms_prompt": ["half past three", "Ada"]}
    asked = {"fields": fields, "end_turn": False, "who": "command line"}
    assert agent.asked == [("/calls/c_1aa/stt", asked)]
    assert said.lines == ["sent min_turn_silence=20", "min_turn_silence: 20 counts as 50."]
    assert (await agent.told("c_1aa", "min_turn_silence=20", "--json")).out == json.dumps(
        agent.answer[1], separators=(",", ":")
    ) + "\n"


async def test_a_turn_is_ended_and_a_tuning_is_saved(agent: Agent) -> None:
    agent.answer = (200, {"sent": {}, "ignored": {}})
    assert (await agent.told("--end")).lines == ["The turn was ended."]
    saved = {"path": "/d/a.toml", "values": {"min_turn_silence": 600}, "left_out": {"agent_context": "why"}}
    agent.answer = (200, saved)
    assert (await agent.told("--save")).lines == [
        "saved min_turn_silence=600 in /d/a.toml",
        "agent_context was left out: why.",
    ]
    agent.answer = (200, {"path": "/d/a.toml", "values": {}})
    assert (await agent.told("--save")).lines == ["/d/a.toml has these values already"]

    assert [(path, body.get("end_turn")) for path, body in agent.asked] == [
        ("/calls/c_1aa/stt", True),
        ("/calls/c_1aa/stt/save", None),
        ("/calls/c_1aa/stt/save", None),
    ]


async def test_a_refusal_is_the_agents_own_sentence(agent: Agent) -> None:
    agent.answer = (409, {"error": "The call's speech recognition is not connected."})
    said = await agent.told("min_turn_silence=600")

    assert (said.status, said.out, said.err) == (1, "", "The call's speech recognition is not connected.\n")


async def test_the_call_that_is_meant_must_be_plain(agent: Agent) -> None:
    assert (await agent.told("c_2")).err == "Which call: c_2bb, c_2cc?\n"
    assert (await agent.told("c_9")).err == "There is no call c_9: `sidetone calls` lists them.\n"
    assert (await agent.told("c_2bb")).lines == ["The call's speech recognition has not been connected yet."]
    agent.calls = []
    said = await agent.told()
    assert (said.status, said.err) == (1, "No call is live.\n")


async def test_another_agent_is_reached_by_its_address(agent: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    paths.agent_file().unlink()
    said = await agent.told()
    assert (said.status, said.err.startswith("No agent runs in ")) == (1, True)

    monkeypatch.setenv("SIDETONE_TOKEN", "let me in")
    assert (await agent.told("--attach", agent.url)).lines[0].startswith("c_1aa ")


async def test_a_name_that_is_no_parameter_is_wrong_usage(agent: Agent) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "console", "stt", "c_1aa", "min_turn_silense=600"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()

    assert (process.returncode, out) == (2, b"")
    assert b"did you mean min_turn_silence?" in err
    assert agent.asked == []
