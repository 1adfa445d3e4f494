"""The ``sidetone`` command. Without arguments it opens the screen, and loads nothing that this does not need."""

from __future__ import annotations

import gc
import os
import sys

from console.options import Options


def main() -> int:
    """Returns the exit status."""
    try:
        if len(sys.argv) > 1:
            return _subcommand()
        # Nothing that is loaded now will ever be garbage; the app turns the collector on after the first paint.
        gc.disable()
        return open_console(Options())
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader of our output has gone; Python must not try to flush it once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def open_console(options: Options) -> int:
    """Open the screen, or make a demonstration call where there is no terminal for one."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        if options.url or options.line != "sim":
            print("There is no terminal here for the screen: use `sidetone call`.", file=sys.stderr)
            return 1
        print("There is no terminal here for the screen, so this is a demonstration call.", file=sys.stderr)
        from console.command_line import call
        from console.command_line.output import TextOutput

        return call.run(call.CallOrder(simulated=options.simulated, band=options.band), TextOutput())

    from console import symbols
    from console.first_frame import first_frame

    chosen = symbols.choose()
    with first_frame(chosen):
        from console.app import ConsoleApp
        from console.session import Session
        from console.store import Store

        app = ConsoleApp(Session(Store(), options), chosen)
        left = app.run() or []
    for state in left:
        print(f"The {state.name} goes on running (process {state.pid}): `sidetone stop` ends it.")
    return app.return_code or 0


def _subcommand() -> int:
    from console.command_line.app import app

    try:
        app(prog_name="sidetone")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    return 0
