"""``sidetone tune``: recorded callers through the recogniser, once for each setting of a grid."""

from __future__ import annotations

import asyncio
import contextlib
import math
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import typer

from console import environment, words
from console.command_line import tune_base, tune_bench, tune_grid, tune_recordings, tune_result, tune_service
from console.command_line.tune_base import Base, BaseError
from console.command_line.tune_bench import Bench, Job
from console.command_line.tune_grid import Grid, GridError
from console.command_line.tune_output import TuneOutput
from console.command_line.tune_recordings import RecordingError
from console.command_line.tune_result import Measured
from console.command_line.tune_service import ServiceError
from console.command_line.tune_session import LOOPBACK, Service
from console.process import StartError
from console.simulator_client import SimulatorError

USUAL_GRID = ("min_turn_silence=100,400,800", "max_turn_silence=800,1600")
_MAX_WARNINGS = 3


@dataclass(frozen=True, slots=True)
class TuneOrder:
    """``recordings`` are files and folders; ``channel`` is where stereo ones have the caller."""

    recordings: Sequence[Path]
    grid: Sequence[str] = USUAL_GRID
    agent: Path | None = None
    channel: str = "left"
    simulated: tuple[str, ...] = ()
    yes: bool = False


def run(order: TuneOrder, output: TuneOutput) -> int:
    """Try every setting on every recording; returns the exit status.

    0 when every session came to its end and turns were heard, 1 when not, 2 for wrong usage, 130 when interrupted;
    then what was measured is told all the same.
    """
    settings = environment.read_settings()
    try:
        base = tune_base.read(order.agent, settings)
        grid = tune_grid.make(order.grid, base)
        recordings = tune_recordings.find(order.recordings, order.channel)
        live = tune_service.live(settings, order.simulated)
        jobs = tune_bench.jobs(grid.settings, recordings)
        if live is not None:
            _confirm(live, jobs, order.yes)
    except (BaseError, GridError, RecordingError, ServiceError) as error:
        output.note(str(error))
        return 2
    for text in _remarks(grid, base):
        output.note(text)
    return asyncio.run(_Run(grid, base, len(recordings), jobs, output).run(live))


def _confirm(live: Service, jobs: Sequence[Job], yes: bool) -> None:
    if yes or urlsplit(live.url).hostname in LOOPBACK:
        return
    minutes = math.ceil(sum(job.audio_ms for job in jobs) / 60_000)
    cost = (
        f"This sends about {words.plural(minutes, 'minute')} of audio to AssemblyAI in "
        f"{words.plural(len(jobs), 'session')}, which costs money"
    )
    if not sys.stdin.isatty():
        raise ServiceError(f"{cost}: confirm it with --yes, or use the stand-in with --sim stt.")
    typer.confirm(f"{cost}. Go on?", abort=True, err=True)


def _remarks(grid: Grid, base: Base) -> list[str]:
    told = [f"Left out of the grid: {reason}" for reason in grid.left_out]
    told += [f"No effect: {note}" for note in grid.notes]
    if base.by_vad:
        told.append(
            f"{base.path} ends turns by the agent's own VAD: there is nothing to compare with, and what is found "
            'here works with ended_by = "assemblyai" in [turn].'
        )
    kept = [name for name in ("min_turn_silence", "max_turn_silence") if name in base.values]
    if "mode" in grid.names and set(kept) - set(grid.names):
        told.append(f"Whatever the mode, what {base.path} says of {' and '.join(kept)} stays in force.")
    return told


class _Run:
    def __init__(self, grid: Grid, base: Base, recordings: int, jobs: Sequence[Job], output: TuneOutput) -> None:
        self._grid, self._base, self._recordings = grid, base, recordings
        self._jobs, self._output = jobs, output
        self._bench: Bench | None = None

    async def run(self, live: Service | None) -> int:
        interrupted = asyncio.Event()
        # The stand-in must not outlive us, whatever ends us: nothing else would find it.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, interrupted.set)
        work = asyncio.create_task(self._work(live))
        stop = asyncio.create_task(interrupted.wait())
        try:
            await asyncio.wait({work, stop}, return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                work.result()
        except (RecordingError, StartError, SimulatorError) as error:
            self._output.note("\n".join((str(error), *getattr(error, "tail", ()))))
            return 1
        finally:
            for task in (work, stop):
                task.cancel()
            await asyncio.gather(work, stop, return_exceptions=True)
        return self._finish(interrupted.is_set())

    async def _work(self, live: Service | None) -> None:
        async with contextlib.AsyncExitStack() as stack:
            if live is None:
                self._output.progress("starting the stand-in…")
            service = live or await stack.enter_async_context(tune_service.stand_in())
            self._bench = Bench(service, self._jobs, self._progress, self._output.session)
            await self._bench.run()

    def _finish(self, interrupted: bool) -> int:
        done = self._bench.done if self._bench else []
        found = tune_result.rows(done, self._grid.settings, self._recordings)
        for text in _heard_besides(done, self._grid):
            self._output.note(text)
        self._output.finish(self._title(done), self._grid, self._base, found)
        if interrupted:
            settings = words.plural(len(self._grid.settings), "setting")
            self._output.note(f"Interrupted: {len(found)} of {settings} tried.")
            return 130
        return 0 if found and all(row.usable for row in found) else 1

    def _title(self, done: Sequence[Measured]) -> str:
        recognisers = dict.fromkeys(f"stt {one.service} ({one.recogniser})" for one in done if one.recogniser)
        length = sum({one.recording.path: one.recording.duration_ms for one in done}.values())
        recordings = words.plural(self._recordings, "recording")
        return " · ".join([*recognisers, f"{recordings}, {words.duration(length / 1000)}"])

    def _progress(self) -> None:
        bench = self._bench
        if bench is not None:
            ended = f"{len(bench.done)} of {words.plural(len(bench.jobs), 'session')}"
            left = "" if bench.left_s is None else f"  {words.duration(bench.left_s)} left"
            self._output.progress(f"stt {bench.service.mode} {bench.share:4.0%}  {ended}{left}")


def _heard_besides(done: Sequence[Measured], grid: Grid) -> list[str]:
    """What the service said of parameters that it ignores, and of itself; each once."""
    ignored = {f"No effect: {n}: {r}" for one in done for n, r in one.ignored.items() if n in grid.names}
    warnings = dict.fromkeys(f"stt {one.service}: {text}" for one in done for text in one.warnings)
    return sorted(ignored) + list(warnings)[:_MAX_WARNINGS]
