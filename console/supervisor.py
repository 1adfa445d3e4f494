"""The agent and the simulator together: who needs whom, on which port, and what is stopped at the end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from console.client import Endpoint
from console.environment import Plan, PlanError
from console.http_client import Http
from console.keeper import Keeper
from console.process import Launch, Process, RunningFile, StartError
from console.process_state import ProcessState
from console.simulator_client import Simulator, SimulatorError


class Supervisor:
    """The processes of one data folder. ``simulator`` is None when every service is live."""

    def __init__(self, plan: Plan, folder: Path, http: Http, tell: Callable[[ProcessState], None]) -> None:
        self._plan, self._folder, self._http = plan, folder, http
        self.agent = Process(
            "agent", folder / "agent.json", folder / "agent.out", "/health", self.launch_agent, http
        )
        self._agent_keeper = Keeper(self.agent, tell)
        self.simulator: Process | None = None
        self._simulator_keeper: Keeper | None = None
        if plan.needs_simulator:
            self.simulator = Process(
                "simulator",
                folder / "simulator.json",
                folder / "simulator.out",
                "/sim/health",
                self._launch_simulator,
                http,
            )
            self._simulator_keeper = Keeper(self.simulator, tell, self._simulator_up)
        self._simulator_port = 0
        self._tried_port = -1

    async def run(self) -> None:
        """Keep both up until cancelled; what runs then goes on running."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._agent_keeper.run(), name="keep the agent")
            if self._simulator_keeper is not None:
                group.create_task(self._simulator_keeper.run(), name="keep the simulator")

    async def run_simulator(self) -> None:
        """Keep the simulator alone up until cancelled; what runs then goes on running."""
        if self._simulator_keeper is not None:
            await self._simulator_keeper.run()

    async def ensure_simulator(self) -> None:
        """Find or start the simulator once, where one is needed, without keeping it up.

        Raises:
            StartError: it did not come up.
        """
        if self._simulator_keeper is not None:
            await self._simulator_keeper.process.find_or_start()
            self._simulator_keeper.up.set()

    async def ensure(self) -> None:
        """Find or start both once, without keeping them up.

        Raises:
            StartError: one of them did not come up; what was started by then goes on.
        """
        await self.ensure_simulator()
        await self.agent.find_or_start()
        self._agent_keeper.up.set()

    async def endpoint(self) -> Endpoint:
        """Where the agent is, as soon as it is up."""
        while True:
            await self._agent_keeper.up.wait()
            running = self.agent.running
            if running is not None:
                return Endpoint(running.url, running.token)
            await asyncio.sleep(0)

    def restart_agent(self) -> None:
        self._agent_keeper.restart()

    async def stop(self, attached: bool) -> None:
        """Stop what was started here, and what was only found as well if ``attached``; the agent first,
        so that it can hang up its calls. Cancel ``run`` before."""
        for process in (self.agent, self.simulator):
            if process is not None and (attached or not process.attached):
                await process.stop()

    async def launch_agent(self) -> Launch:
        """How to start the agent; waits for the simulator if it needs one.

        Raises:
            StartError: the simulator does not say how to use it.
        """
        told: dict[str, str] = {}
        try:
            if self._simulator_keeper is not None:
                await self._simulator_keeper.up.wait()
                simulator = self._simulator_keeper.process.running
                if simulator is None:
                    raise StartError("The agent waits for the simulator.")
                told = await Simulator(simulator, self._http).environment()
            environment = self._plan.agent_environment(told)
        except (SimulatorError, PlanError) as error:
            raise StartError(str(error)) from error
        port = self._plan.agent_port
        # -P keeps a folder named agent, where the user happens to stand, from being run instead of ours.
        arguments = ["-P", "-m", "agent", *([] if port is None else ["--port", str(port)])]
        return Launch(arguments, environment)

    async def _launch_simulator(self) -> Launch:
        """On the port of the run before, which the agent's addresses point at, unless that was just refused."""
        port = self.simulator.last_port if self.simulator is not None else 0
        self._tried_port = port = 0 if port == self._tried_port else port
        arguments = ["-P", "-m", "simulator", "--port", str(port), "--data-dir", str(self._folder)]
        return Launch(arguments, self._plan.simulator_environment())

    def _simulator_up(self, running: RunningFile) -> None:
        self._tried_port = -1
        if self._simulator_port not in (0, running.port):
            self.restart_agent()
        self._simulator_port = running.port
