"""``sidetone call --bot``: start somebody else's bot in the simulator's environment, call it, and end it."""

from __future__ import annotations

import asyncio
import asyncio.subprocess
import contextlib
import os
import shlex
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from agent import paths
from console import environment
from console.command_line import bot_address
from console.command_line.bot_address import Address, AddressError
from console.command_line.bot_process import BotProcess
from console.http_client import Http
from console.process import StartError
from console.process_state import ProcessState
from console.simulator_client import Simulator, SimulatorError
from console.supervisor import Supervisor

_START_S = 90.0
_POLL_S = 0.1
_LOCAL = "localhost,127.0.0.1,::1"


class _Interrupted(Exception):
    """Ctrl-C before the call began."""


def run_bot_call(
    command: str,
    *,
    bot_url: str = "",
    to: str = "",
    from_: str = "",
    say: Sequence[str] | None = None,
    script: Path | None = None,
    wav: Path | None = None,
    preset: str = "",
    fault: Sequence[str] | None = None,
    seed: int | None = None,
    codec: str = "",
    record: Path | None = None,
    loop: bool = False,
    noise: Path | None = None,
    snr: float | None = None,
    as_json: bool = False,
    timeout: float = 300.0,
    keep: bool = False,
) -> int:
    """Make one call to the bot that ``command`` starts; returns the exit status of ``sidetone simulator call``.

    ``timeout`` in seconds is for the call; ``keep`` leaves the simulator running. Options are checked by that
    command, which also prints the account and the report.
    """
    try:
        words = shlex.split(command)
    except ValueError as error:
        print(f"--bot is no command line: {error}.", file=sys.stderr)
        return 2
    if not words:
        print('--bot needs a command, such as --bot "python bot.py -t telnyx".', file=sys.stderr)
        return 2
    single = {
        "--to": to, "--from": from_, "--script": script, "--wav": wav, "--preset": preset, "--seed": seed,
        "--codec": codec, "--record": record, "--noise": noise, "--snr": snr, "--timeout": timeout,
    }  # fmt: skip
    options = [f"{name}={value}" for name, value in single.items() if value not in ("", None)]
    options += [f"--say={line}" for line in say or ()] + [f"--fault={one}" for one in fault or ()]
    options += ["--loop"] if loop else []
    options += ["--json"] if as_json else []
    try:
        return asyncio.run(_Run(words, _addresses(words, bot_url), options, keep).run())
    except AddressError as error:
        print(error, file=sys.stderr)
        return 2


def _addresses(words: list[str], bot_url: str) -> list[Address]:
    return bot_address.candidates(words, bot_url, os.environ.get("PORT", ""))


def bot_environment(told: Mapping[str, str], folder: Path, port: int) -> dict[str, str]:
    """What a bot that starts in ``folder`` gets: the simulator's values over ours over those of its .env.

    ``port`` is for bots that ask the environment where to listen.

    Bots read .env themselves and let it win, which would send real keys to real services: python-dotenv is told to
    leave that to us.
    """
    from dotenv import dotenv_values, find_dotenv

    file = folder / ".env"
    found = dotenv_values(file if file.is_file() else find_dotenv(usecwd=True) or None)
    merged = {**{name: value for name, value in found.items() if value is not None}, **os.environ}
    setup = [one for one in merged.get("PIPECAT_SETUP_FILES", "").split(os.pathsep) if one]
    ours = told.get("PIPECAT_SETUP_FILES", "")
    merged.update(told)
    merged["PIPECAT_SETUP_FILES"] = os.pathsep.join(
        [*(one for one in setup if one != ours), ours] if ours else setup
    )
    merged["PORT"] = str(port)
    merged["PYTHON_DOTENV_DISABLED"] = "1"
    merged.setdefault("PYTHONUNBUFFERED", "1")
    for name in ("NO_PROXY", "no_proxy"):
        merged[name] = ",".join(part for part in (merged.get(name, ""), _LOCAL) if part)
    return merged


class _Run:
    def __init__(self, words: list[str], addresses: list[Address], options: list[str], keep: bool) -> None:
        self._words, self._addresses, self._options, self._keep = words, addresses, options, keep
        self._http = Http()
        plan = environment.decide({})
        self._supervisor = Supervisor(plan, paths.data_dir(), self._http, _ignore)
        self._interrupted = asyncio.Event()
        self._bot: BotProcess | None = None

    async def run(self) -> int:
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, self._interrupted.set)
        try:
            bot = await self._start()
            reach = await bot_address.target(await self._listening(bot), self._words, self._http)
            status = await self._call(reach)
            if bot.over:
                _tell(bot.epitaph(), bot.tail())
                return status or 1
            if status == 1:
                _tell(f"What the bot wrote is in {bot.output}.")
            return status
        except (StartError, SimulatorError) as error:
            _tell(str(error), error.tail if isinstance(error, StartError) else ())
            return 1
        except _Interrupted:
            _tell("Interrupted.")
            return 130
        finally:
            if self._bot is not None:
                await self._bot.stop()
            if not self._keep:
                await self._supervisor.stop(attached=False)
            await self._http.close()

    async def _start(self) -> BotProcess:
        await self._supervisor.ensure_simulator()
        process = self._supervisor.simulator
        assert process is not None
        assert process.running is not None
        told = await Simulator(process.running, self._http).environment()
        taken = [address for address in self._addresses if await bot_address.listens(address)]
        self._addresses = [address for address in self._addresses if address not in taken]
        if not self._addresses:
            where = f"{taken[0].host} port {taken[0].port}"
            raise StartError(f"Something listens on {where} already: end it, or give the bot another port.")
        given = bot_environment(told, Path.cwd(), self._addresses[0].port)
        bot = BotProcess(self._words, given, paths.data_dir() / "bot.out")
        await bot.start()
        self._bot = bot
        return bot

    async def _listening(self, bot: BotProcess) -> Address:
        """The first address at which the bot answers."""
        deadline = asyncio.get_running_loop().time() + _START_S
        while asyncio.get_running_loop().time() < deadline:
            for address in self._addresses:
                if await bot_address.listens(address):
                    return address
            if bot.over:
                raise StartError(f"{bot.epitaph()} It never listened.", bot.tail())
            if self._interrupted.is_set():
                raise _Interrupted
            await asyncio.sleep(_POLL_S)
        ports = ", ".join(str(address.port) for address in self._addresses)
        raise StartError(
            f"The bot did not listen on port {ports} within {_START_S:g} s: say where with --bot-url.", bot.tail()
        )

    async def _call(self, reach: list[str]) -> int:
        """The call itself is the simulator's command; Ctrl-C is passed on, so that it hangs up."""
        caller = await asyncio.create_subprocess_exec(
            sys.executable, "-P", "-m", "simulator", "--data-dir", str(paths.data_dir()), "call", *reach,
            *self._options, start_new_session=True,
        )  # fmt: skip
        over = asyncio.create_task(caller.wait())
        stop = asyncio.create_task(self._interrupted.wait())
        await asyncio.wait({over, stop}, return_when=asyncio.FIRST_COMPLETED)
        if not over.done():
            with contextlib.suppress(ProcessLookupError):
                caller.send_signal(signal.SIGINT)
        stop.cancel()
        return await over


def _tell(text: str, tail: Sequence[str] = ()) -> None:
    print(text, *tail, sep="\n", file=sys.stderr)


def _ignore(_state: ProcessState) -> None:
    """Nobody watches the processes while one call is made."""
