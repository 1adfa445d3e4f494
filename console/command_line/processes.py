"""``sidetone agent``, ``simulator`` and ``stop``: the processes without the console."""

from __future__ import annotations

import asyncio
import asyncio.subprocess
import contextlib
import os
import signal
import sys

from agent import paths
from console import environment
from console.http_client import Http
from console.process import StartError
from console.process_state import ProcessState
from console.supervisor import Supervisor


def run_agent(line: str, simulated: tuple[str, ...], rooms: bool, framework: str, arguments: list[str]) -> int:
    """The agent in the foreground, with the simulator beside it when it is needed; returns its exit status."""
    try:
        plan = environment.decide(environment.read_settings(), line, simulated, rooms=rooms, framework=framework)
    except environment.PlanError as error:
        print(error, file=sys.stderr)
        return 2
    return asyncio.run(_run_agent(plan, arguments))


def run_simulator(arguments: list[str]) -> int:
    """Becomes the simulator, or the command of it that ``arguments`` begin with; returns only when that fails."""
    # What the user gives comes last and wins.
    folder = ["--data-dir", str(paths.data_dir())]
    os.execv(sys.executable, [sys.executable, "-P", "-m", "simulator", *folder, *arguments])
    return 1


def stop() -> int:
    """Stop what runs in this data folder, whoever started it; returns the exit status."""
    return asyncio.run(_stop())


async def _run_agent(plan: environment.Plan, arguments: list[str]) -> int:
    http = Http()
    supervisor = Supervisor(plan, paths.data_dir(), http, _ignore)
    try:
        await supervisor.ensure_simulator()
        launch = await supervisor.launch_agent()
        # What the user gives comes last and wins.
        agent = await asyncio.create_subprocess_exec(
            sys.executable, *launch.arguments, *arguments, env={**os.environ, **launch.environment}
        )
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, _end, agent)
        return await agent.wait()
    except StartError as error:
        print(error, *error.tail, sep="\n", file=sys.stderr)
        return 1
    finally:
        await supervisor.stop(attached=False)
        await http.close()


async def _stop() -> int:
    http = Http()
    plan = environment.decide({})
    supervisor = Supervisor(plan, paths.data_dir(), http, _ignore)
    stopped = 0
    try:
        for process in (supervisor.agent, supervisor.simulator):
            running = await process.find() if process is not None else None
            if process is not None and running is not None:
                await process.stop()
                print(f"Stopped the {process.name} (process {running.pid}).")
                stopped += 1
    finally:
        await http.close()
    if not stopped:
        print(f"Nothing runs in {paths.data_dir()}.")
    return 0


def _end(agent: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        agent.terminate()


def _ignore(_state: ProcessState) -> None:
    """Nobody watches."""
