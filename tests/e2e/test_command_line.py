"""The command line as a user types it: exit statuses, what is printed, what is left behind."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from agent import events
from tests.e2e.house import House

whatever_it_runs_on = pytest.mark.parametrize("framework", ["pipecat"], indirect=True, scope="module")


def sidetone(
    data: Path, *arguments: str, timeout: float = 150, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run the command without a terminal, in an empty folder."""
    data.mkdir(exist_ok=True)
    clean = {
        k: v
        for k, v in os.environ.items()
        if not k.startswith(("TELNYX_", "ASSEMBLYAI_", "OPENAI_", "DEEPGRAM_", "RIME_"))
    }
    return subprocess.run(
        [str(Path(sys.executable).with_name("sidetone")), *arguments],
        cwd=data,
        env={**clean, "SIDETONE_DATA_DIR": str(data), **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout,
    )


def test_one_call_for_programs_starts_everything_and_leaves_nothing(framework: str, tmp_path: Path) -> None:
    data = tmp_path / "data"
    say = ("--inbound", "--say", "What are your opening hours?")
    done = sidetone(data, "call", "--framework", framework, *say, "--json")

    assert done.returncode == 0, done.stderr
    stream = [events.decode(line) for line in done.stdout.splitlines()]
    call = [event for event in stream if event.call]
    assert isinstance(call[0], events.CallInitiated)
    assert (call[0].direction, call[0].framework) == ("inbound", framework)
    assert isinstance(call[-1], events.CallEnded)
    assert [event.seq for event in call] == sorted(event.seq for event in call)
    assert not (data / "agent.json").exists()
    assert not (data / "simulator.json").exists()
    # The journal outlives the processes: history needs neither of them.
    listed = sidetone(data, "calls", "--json")
    (line,) = listed.stdout.splitlines()
    assert json.loads(line)["id"] == call[0].call
    shown = sidetone(data, "show", call[0].call[:6])
    assert "What are your opening hours?" in shown.stdout
    assert "ended normal_clearing" in shown.stdout
    raw = sidetone(data, "show", call[0].call, "--json").stdout.splitlines()
    assert [events.decode(text).seq for text in raw] == [event.seq for event in call if event.seq]


def test_one_call_for_people_beside_running_processes(house: House) -> None:
    done = sidetone(house.data, "call", "+15550100199", "--say", "Where is the clinic?")

    assert done.returncode == 0, done.stderr
    assert "Where is the clinic?" in done.stdout
    assert "1 of 1 lines answered" in done.stdout
    assert house.agent.popen is not None
    assert house.agent.popen.poll() is None


def test_an_agent_that_does_not_answer_fails_the_call(house: House) -> None:
    asyncio.run(house.fault("openai", where="request", code=500, times=50))
    try:
        done = sidetone(house.data, "call", "+15550100198", "--say", "Where is the clinic?", "--json")
    finally:
        asyncio.run(house.ask(house.simulator, "DELETE", "/sim/faults"))

    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert [event for event in map(events.decode, done.stdout.splitlines()) if isinstance(event, events.Error)]


@whatever_it_runs_on
def test_without_a_terminal_it_says_so_and_makes_a_demonstration_call(house: House) -> None:
    done = sidetone(house.data)

    assert done.returncode == 0, done.stderr
    assert "There is no terminal here" in done.stderr
    assert "lines answered" in done.stdout


def test_a_running_agent_on_another_framework_is_not_taken_for_the_one_asked_for(
    house: House, framework: str
) -> None:
    other = "livekit" if framework == "pipecat" else "pipecat"
    done = sidetone(house.data, "call", "--framework", other, "--say", "Where is the clinic?")

    assert done.returncode == 1
    assert f"runs already is on {framework}, not {other}" in done.stderr


def test_wrong_usage_is_one_clear_error(tmp_path: Path) -> None:
    for arguments in (
        ["call", "0123"],
        ["call", "--line", "fax"],
        ["call", "--framework", "vapi"],
        ["--rooms", "--framework", "pipecat"],
        ["agent", "--rooms", "--framework", "pipecat"],
        ["fly"],
        ["call", "--script", "none.yaml"],
    ):
        done = sidetone(tmp_path, *arguments)
        assert done.returncode == 2, (arguments, done)
        assert "Traceback" not in done.stderr
    for arguments in (["calls"], ["show", "c_nothing"]):
        done = sidetone(tmp_path, *arguments)
        assert done.returncode == 1, (arguments, done)
        assert len(done.stderr.splitlines()) == 1


@whatever_it_runs_on
def test_a_taken_port_is_named(house: House, tmp_path: Path) -> None:
    port = str(house.agent.state["port"])
    for process in ("agent", "simulator"):
        done = subprocess.run(
            [sys.executable, "-m", process, "--port", port],
            env={**os.environ, "SIDETONE_DATA_DIR": str(tmp_path)},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 1
        assert f"Port {port}" in done.stderr
        assert "--port" in done.stderr
        assert len(done.stderr.strip().splitlines()) == 1


@whatever_it_runs_on
def test_a_second_agent_on_the_same_folder_is_refused(house: House) -> None:
    done = sidetone(house.data, "agent", "--port", "0")

    assert done.returncode == 1
    assert "An agent runs already" in done.stderr


def test_an_agent_that_cannot_start_says_why(tmp_path: Path) -> None:
    done = sidetone(tmp_path, "call", "--say", "Hello.", SIDETONE_AGENT="/nowhere/agent.toml")

    assert done.returncode == 1
    assert "/nowhere/agent.toml cannot be read" in done.stderr
