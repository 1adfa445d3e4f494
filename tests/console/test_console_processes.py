"""Processes and their supervisor, with fake children that are real processes."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agent import paths
from console import keeper
from console.environment import decide
from console.http_client import Http
from console.process import Process, RunningFile, StartError, alive
from console.process_state import ProcessState
from console.supervisor import Supervisor

FAKES = Path(__file__).parent / "fakes"


class Told:
    """Keeps what the supervisor tells; ``until`` waits for it."""

    def __init__(self) -> None:
        self.states: list[ProcessState] = []
        self._changed = asyncio.Event()

    def __call__(self, state: ProcessState) -> None:
        self.states.append(state)
        self._changed.set()

    def phases(self, name: str) -> list[str]:
        return [state.phase for state in self.states if state.name == name]

    async def until(self, name: str, phase: str, times: int = 1) -> ProcessState:
        async with asyncio.timeout(20):
            while self.phases(name).count(phase) < times:
                self._changed.clear()
                await self._changed.wait()
        return [state for state in self.states if (state.name, state.phase) == (name, phase)][times - 1]


@pytest.fixture(autouse=True)
def fakes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Children find the fake agent and simulator first; pauses are short."""
    monkeypatch.setenv("PYTHONPATH", str(FAKES))
    monkeypatch.setattr(keeper, "PAUSES_S", (0.01, 0.02, 0.04))


@pytest.fixture
def folder() -> Path:
    return paths.data_dir()


@pytest.fixture
async def http() -> AsyncIterator[Http]:
    made = Http()
    yield made
    await made.close()


@pytest.fixture
async def supervisor(folder: Path, http: Http) -> AsyncIterator[tuple[Supervisor, Told]]:
    told = Told()
    made = Supervisor(decide({}), folder, http, told)
    yield made, told
    await made.stop(attached=True)


@contextlib.asynccontextmanager
async def running(made: Supervisor) -> AsyncIterator[None]:
    task = asyncio.create_task(made.run())
    yield
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


def _environment_of(folder: Path, name: str) -> dict[str, str]:
    return json.loads((folder / f"{name}.environment").read_text())


async def test_the_agent_is_started_with_the_simulators_addresses(
    supervisor: tuple[Supervisor, Told], folder: Path
) -> None:
    made, _ = supervisor
    await made.ensure()

    simulator = RunningFile.read(folder / "simulator.json")
    assert simulator is not None
    given = _environment_of(folder, "agent")
    assert given["ASSEMBLYAI_BASE_URL"] == f"ws://127.0.0.1:{simulator.port}"
    assert given["TELNYX_CONNECTION_ID"] == "1494404757140276701"
    assert given["MALLOC_ARENA_MAX"] == "1"
    assert (await made.endpoint()).url == f"http://127.0.0.1:{made.agent.last_port}"


async def test_what_runs_is_found_and_only_stopped_when_asked(
    supervisor: tuple[Supervisor, Told], folder: Path, http: Http
) -> None:
    first, _ = supervisor
    await first.ensure()
    second = Supervisor(decide({}), folder, http, Told())
    await second.ensure()

    assert second.agent.attached
    assert second.agent.running == first.agent.running
    await second.stop(attached=False)
    assert first.agent.running is not None
    assert alive(first.agent.running.pid)

    pid = first.agent.running.pid
    await second.stop(attached=True)
    assert await asyncio.wait_for(first.agent.ended(), 10) == "The agent was ended by SIGTERM."
    assert not alive(pid)


async def test_a_process_that_died_is_told_and_started_again(
    supervisor: tuple[Supervisor, Told], folder: Path
) -> None:
    made, told = supervisor
    async with running(made):
        before = await told.until("agent", "up")
        os.kill(before.pid, signal.SIGKILL)
        crashed = await told.until("agent", "crashed")
        after = await told.until("agent", "up", times=2)

    assert crashed.detail == "The agent was ended by SIGKILL."
    assert crashed.retry_at == pytest.approx(crashed.since + 0.01)
    assert after.pid != before.pid
    assert told.phases("simulator") == ["starting", "up"]


async def test_a_simulator_that_died_comes_back_on_its_port(supervisor: tuple[Supervisor, Told]) -> None:
    made, told = supervisor
    async with running(made):
        await told.until("agent", "up")
        before = await told.until("simulator", "up")
        os.kill(before.pid, signal.SIGKILL)
        after = await told.until("simulator", "up", times=2)

    assert after.port == before.port
    assert told.phases("agent") == ["starting", "up"]


async def test_a_port_that_was_taken_meanwhile_is_given_up_and_the_agent_follows(
    supervisor: tuple[Supervisor, Told], folder: Path
) -> None:
    made, told = supervisor
    async with running(made):
        await told.until("agent", "up")
        before = await told.until("simulator", "up")
        # Whoever listens there now belongs to somebody else.
        (folder / "simulator.habits").write_text("fail\n")
        os.kill(before.pid, signal.SIGKILL)
        await told.until("simulator", "crashed", times=2)
        after = await told.until("simulator", "up", times=2)
        await told.until("agent", "up", times=2)

    assert after.port != before.port
    assert _environment_of(folder, "agent")["OPENAI_BASE_URL"] == f"http://127.0.0.1:{after.port}/v1"


async def test_pauses_grow_with_every_failure_in_a_row(supervisor: tuple[Supervisor, Told], folder: Path) -> None:
    (folder / "agent.habits").write_text("fail\nfail\nfail\nfail\n")
    made, told = supervisor
    async with running(made):
        await told.until("agent", "up")

    crashes = [state for state in told.states if (state.name, state.phase) == ("agent", "crashed")]
    assert [round(state.retry_at - state.since, 3) for state in crashes] == [0.01, 0.02, 0.04, 0.04]
    assert crashes[0].detail == "The agent ended with status 3: line 7"
    assert crashes[0].tail == ("line 3", "line 4", "line 5", "line 6", "line 7")


async def test_a_restart_is_no_crash(supervisor: tuple[Supervisor, Told]) -> None:
    made, told = supervisor
    async with running(made):
        before = await told.until("agent", "up")
        made.restart_agent()
        after = await told.until("agent", "up", times=2)

    assert told.phases("agent") == ["starting", "up", "stopping", "starting", "up"]
    assert after.pid != before.pid


async def test_a_restart_does_not_wait_for_the_pause(
    supervisor: tuple[Supervisor, Told], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper, "PAUSES_S", (600.0,))
    (folder / "agent.habits").write_text("silent\n")
    made, told = supervisor
    async with running(made):
        crashed = await told.until("agent", "crashed")
        made.restart_agent()
        await told.until("agent", "up")

    assert crashed.detail == "The agent ended with status 1."


async def test_letting_go_leaves_both_running(supervisor: tuple[Supervisor, Told]) -> None:
    made, told = supervisor
    async with running(made):
        agent = await told.until("agent", "up")
        simulator = await told.until("simulator", "up")

    assert alive(agent.pid)
    assert alive(simulator.pid)


async def test_an_attached_process_that_dies_is_noticed(folder: Path, http: Http) -> None:
    child = await asyncio.create_subprocess_exec(sys.executable, "-c", "input()", stdin=subprocess.PIPE)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        process = Process("agent", folder / "agent.json", folder / "agent.out", "/health", _no_launch, http)
        process.running, process.attached = RunningFile(child.pid, port, "t"), True
        ended = asyncio.create_task(process.ended())
        assert child.stdin is not None
        child.stdin.close()
        await child.wait()

        assert await asyncio.wait_for(ended, 10) == f"The agent (process {child.pid}) has ended."


async def test_a_state_file_of_a_dead_or_foreign_process_is_not_believed(folder: Path, http: Http) -> None:
    process = Process("agent", folder / "agent.json", folder / "agent.out", "/health", _no_launch, http)
    for pid in (0, -1, 99_999_999, os.getpid()):
        (folder / "agent.json").write_text(json.dumps({"pid": pid, "port": 1, "token": "t"}))
        assert await process.find() is None
    (folder / "agent.json").write_text("{}")
    assert await process.find() is None


async def test_a_folder_called_agent_where_the_user_stands_is_not_run(
    supervisor: tuple[Supervisor, Told], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "agent.py").write_text("raise SystemExit('the wrong agent')")
    monkeypatch.chdir(tmp_path)
    made, _ = supervisor

    await made.ensure()

    assert made.agent.running is not None


async def test_a_start_that_fails_is_one_sentence_with_the_last_lines(
    supervisor: tuple[Supervisor, Told], folder: Path
) -> None:
    (folder / "agent.habits").write_text("fail\n")
    made, _ = supervisor

    with pytest.raises(StartError, match=r"^The agent ended with status 3: line 7$") as caught:
        await made.ensure()

    assert caught.value.tail[-1] == "line 7"


async def test_killing_the_console_leaves_its_children(folder: Path) -> None:
    console = textwrap.dedent("""
        import asyncio, sys
        from pathlib import Path
        from console.environment import decide
        from console.http_client import Http
        from console.supervisor import Supervisor

        async def main():
            supervisor = Supervisor(decide({}), Path(sys.argv[1]), Http(), lambda state: None)
            await supervisor.ensure()
            print(supervisor.agent.running.pid, flush=True)
            await asyncio.Event().wait()

        asyncio.run(main())
    """)
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", console, str(folder), stdout=subprocess.PIPE
    )
    assert parent.stdout is not None
    pid = int(await asyncio.wait_for(parent.stdout.readline(), 30))
    parent.kill()
    await parent.wait()
    http = Http()
    left = Supervisor(decide({}), folder, http, lambda _: None)
    await left.ensure()

    assert left.agent.attached
    assert left.agent.running is not None
    assert left.agent.running.pid == pid
    await left.stop(attached=True)
    await http.close()


async def _no_launch() -> None:  # type: ignore[return]
    raise AssertionError("nothing is to be started here")
