"""``sidetone setup livekit`` as people and programs meet it, and what ``sidetone doctor`` says of it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from agent import api, paths
from console.doctor.finding import Finding
from console.doctor.rooms import registered, rooms
from tests.rooms.fake_sip_service import FakeSipService
from tests.rooms.setup_house import NUMBER, PASSWORD
from tests.terminal import Terminal

_WAIT_S = 60


@pytest.fixture
async def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FakeSipService]:
    """A LiveKit server whose settings are in the .env of the working folder."""
    made = await FakeSipService().start()
    monkeypatch.chdir(tmp_path)
    _settings(made)
    yield made
    await made.stop()


def _settings(server: FakeSipService, **changed: str) -> None:
    settings = {**server.environment, **changed}
    Path(".env").write_text("".join(f"{name}={value}\n" for name, value in settings.items() if value))


async def _sidetone(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run it without a terminal."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "console", *arguments,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    out, err = await asyncio.wait_for(process.communicate(), _WAIT_S)
    return subprocess.CompletedProcess(arguments, process.returncode or 0, out.decode(), err.decode())


async def test_the_plan_for_people(server: FakeSipService) -> None:
    done = await _sidetone("setup", "livekit", "--dry-run")

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        f"LiveKit at {server.url}, agent sidetone\n"
        "\n"
        "+ inbound trunk   “Sidetone in (sidetone)”\n"
        f"                  to create: {NUMBER}\n"
        "+ dispatch rule   “Sidetone calls (sidetone)”\n"
        "                  to create: each call into a room call-…; agent sidetone\n"
        "+ outbound trunk  “Sidetone out (sidetone)”\n"
        f"                  to create: {NUMBER}; to sip.telnyx.com over TCP; user\n"
        "                  clinic; X-Telnyx-Username: clinic\n"
        "\n"
        "3 to create.\n"
        "Nothing was changed: --dry-run.\n"
    )
    assert server.writes == 0


async def test_without_a_terminal_it_does_nothing_unasked(server: FakeSipService) -> None:
    refused = await _sidetone("setup", "livekit")
    assert (refused.returncode, server.writes) == (1, 0)
    assert "Give --yes to do it." in refused.stderr.replace("\n", " ")

    done = await _sidetone("setup", "livekit", "--yes")
    assert (done.returncode, server.writes) == (0, 3)
    assert "Created the inbound trunk ST_" in done.stdout
    assert PASSWORD not in done.stdout + done.stderr


@pytest.mark.parametrize(("answer", "status", "writes"), [("y", 0, 3), ("", 1, 0)])
async def test_at_a_terminal_it_asks(server: FakeSipService, answer: str, status: int, writes: int) -> None:
    terminal = Terminal(["console", "setup", "livekit"], {})
    try:
        await terminal.shows("[y/N]")
        terminal.press(f"{answer}\n")
        await terminal.shows("Nothing was changed." if writes == 0 else "Created the outbound trunk")
        assert await terminal.ended() == status
    finally:
        terminal.close()
    assert server.writes == writes


async def test_what_is_wrong_is_one_sentence(server: FakeSipService) -> None:
    _settings(server, LIVEKIT_URL="")
    done = await _sidetone("setup", "livekit", "--dry-run")

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "LIVEKIT_URL is not set: put it into .env.\n"


async def test_what_can_be_set_up_is_told() -> None:
    listed = await _sidetone("setup", "--help")
    assert "livekit" in listed.stdout
    told = await _sidetone("setup", "livekit", "--help")
    assert (told.returncode, "--from FILE" in told.stdout) == (0, True)


async def test_the_doctor_says_little_where_livekit_is_not_used() -> None:
    (found,) = await rooms({}, paths.data_dir())
    assert (found.state, found.text) == ("ok", "not set up: no LIVEKIT_URL")


async def test_the_doctor_looks_at_trunks_and_rules(server: FakeSipService) -> None:
    empty = await _doctor(server)
    assert [finding.state for finding in empty] == ["ok", "note", "note", "note"]
    assert empty[0].text == f"{server.url} answers, with SIP"

    await server.set_up(server.usual())
    found = await _doctor(server)
    assert [finding.name for finding in found] == [
        "livekit", "inbound trunk", "dispatch rule", "outbound trunk", "worker",
    ]  # fmt: skip
    assert [finding.state for finding in found] == ["ok"] * 4 + ["note"]
    assert found[-1].fix == "sidetone agent --framework livekit --rooms"

    _settings(server, LIVEKIT_API_SECRET="x" * 40)
    refused, _worker = await _doctor(server)
    assert (refused.state, refused.fix) == ("missing", "Correct LIVEKIT_API_KEY and LIVEKIT_API_SECRET.")


async def test_the_doctor_asks_our_agent_for_its_worker(
    server: FakeSipService, house: Any, health: Callable[..., api.Health]
) -> None:
    house.health = health(worker=_worker(url=server.url))
    await server.set_up(server.usual())
    found = {finding.name: finding for finding in await _doctor(server)}

    assert found["worker"].state == "ok"
    # The name that counts is the one of the agent that runs.
    assert "calls agent sidetone, and ours is clinic" in found["dispatch rule"].text


@pytest.mark.parametrize(
    ("changed", "state", "says"),
    [
        ({}, "ok", "clinic is registered, 2 calls now, 3 calls refused"),
        ({"state": "lost", "detail": "It does not answer."}, "missing", "(lost): It does not answer."),
        ({"load": 0.95}, "note", "refuses calls: load 95% of at most 90%"),
        ({"url": "ws://127.0.0.1:1"}, "note", "it is registered at ws://127.0.0.1:1"),
    ],
)
def test_what_our_worker_may_be(changed: dict[str, Any], state: str, says: str) -> None:
    found = registered(_worker(**changed), True, {"LIVEKIT_URL": "ws://127.0.0.1:7880/"})
    assert found.state == state
    assert says in found.text


async def test_the_doctor_where_our_agent_takes_no_rooms(
    server: FakeSipService, house: Any, health: Callable[..., api.Health]
) -> None:
    house.health = health()
    assert (await _doctor(server))[-1].text.startswith("the agent that runs takes no calls in rooms")


def _worker(**changed: Any) -> api.Worker:
    usual = {"state": "registered", "agent_name": "clinic", "url": "ws://127.0.0.1:7880", "jobs": 2, "refused": 3,
             "load": 0.2, "limit": 0.9}  # fmt: skip
    return api.Worker(**{**usual, **changed})


async def _doctor(server: FakeSipService) -> list[Finding]:
    return await rooms({"LIVEKIT_URL": server.url}, paths.data_dir())
