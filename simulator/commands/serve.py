"""The simulator itself, until it is stopped."""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import signal
import sys

from simulator.commands import arguments, print_environment


async def run(chosen: argparse.Namespace) -> int:
    """Returns the exit status once SIGINT or SIGTERM came. Raises SettingsError."""
    # Nothing that is loaded now will ever be garbage, and looking for it takes a tenth of the start.
    gc.disable()
    from simulator.server import Simulator

    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    # One line per request is too much beside the milestones of calls.
    for chatty in ("httpx", "picows"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    # They log what strangers send, message by message.
    for chatty in ("aiosipua", "aiortp"):
        logging.getLogger(chatty).setLevel(logging.CRITICAL)
    settings = arguments.settings(chosen)
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: loop.call_soon_threadsafe(stopping.set))
    simulator = Simulator(settings)
    try:
        await simulator.start()
        # A full collection over all that was loaded stops every line for 40 ms.
        gc.collect()
        gc.freeze()
        gc.enable()
        print(
            f"# The simulator listens on {settings.host} port {simulator.port}. Point a bot at it with:",
            file=sys.stderr,
        )
        print_environment.show(simulator.environment, chosen.format, chosen.env_file)
        await stopping.wait()
    finally:
        await simulator.stop()
    return 0


async def tell(chosen: argparse.Namespace) -> int:
    """Print the environment of the simulator that runs already; returns the exit status. Raises SettingsError."""
    from simulator.commands.running import Refused, find

    running = await find(chosen.data_dir)
    if running is None:
        print(f"No simulator runs in {chosen.data_dir}: start one with `sidetone simulator`.", file=sys.stderr)
        return 1
    async with running:
        try:
            print_environment.show(await running.environment(), chosen.format, chosen.env_file)
        except Refused as refused:
            print(refused, file=sys.stderr)
            return 1
    return 0
