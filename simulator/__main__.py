"""`python -m simulator`: play Telnyx, AssemblyAI, OpenAI, Deepgram and Rime on one loopback port until stopped."""

from __future__ import annotations

import asyncio
import os
import sys

from simulator.commands import arguments
from simulator.settings import SettingsError


def main() -> None:
    # Read when numpy is loaded: BLAS threads spin, and cost a core for the small products of recognition.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    parser = arguments.parser()
    chosen = parser.parse_args()
    try:
        with _runner() as runner:
            if chosen.command == "call":
                from simulator.commands import call

                status = runner.run(call.run(chosen, parser))
            else:
                from simulator.commands import serve

                status = runner.run(serve.tell(chosen) if chosen.print_env else serve.run(chosen))
    except SettingsError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit(130)
    sys.exit(status)


def _runner() -> asyncio.Runner:
    try:
        import uvloop
    except ImportError:
        return asyncio.Runner()
    return asyncio.Runner(loop_factory=uvloop.new_event_loop)


if __name__ == "__main__":
    main()
