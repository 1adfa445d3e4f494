"""`python -m simulator`: play Telnyx, AssemblyAI, OpenAI and Deepgram on one loopback port until stopped."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import shlex
import signal
import sys
from pathlib import Path

from simulator.settings import DEFAULT_PORT, Settings, SettingsError, default_data_dir


def main() -> None:
    # Read when numpy is loaded: BLAS threads spin, and cost a core for the small products of recognition.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        settings = _settings()
        with _runner() as runner:
            runner.run(_run(settings))
    except SettingsError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit(130)


def _settings() -> Settings:
    parser = argparse.ArgumentParser(prog="python -m simulator", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="loopback address to listen on")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="0 takes any free port")
    parser.add_argument("--data-dir", type=Path, default=default_data_dir(), help="where keys and state are kept")
    parser.add_argument("--ring-ms", type=int, default=1200, help="how long a dialled number rings")
    chosen = parser.parse_args()
    return Settings(data_dir=chosen.data_dir, host=chosen.host, port=chosen.port, ring_ms=chosen.ring_ms)


async def _run(settings: Settings) -> None:
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    # One line per request is too much beside the milestones of calls.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    from simulator.server import Simulator

    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: loop.call_soon_threadsafe(stopping.set))
    simulator = Simulator(settings)
    try:
        await simulator.start()
        print(f"The simulator listens on {settings.host} port {simulator.port}. Point a bot at it with:")
        for name, value in simulator.environment.items():
            print(f"export {name}={shlex.quote(value)}")
        sys.stdout.flush()
        await stopping.wait()
    finally:
        await simulator.stop()


def _runner() -> asyncio.Runner:
    try:
        import uvloop
    except ImportError:
        return asyncio.Runner()
    return asyncio.Runner(loop_factory=uvloop.new_event_loop)


if __name__ == "__main__":
    main()
