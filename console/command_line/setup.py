"""``sidetone setup``: the accounts of others made ready, by a process that may know their clients."""

from __future__ import annotations

import os
import sys
from typing import Any

import typer

from console.commands import COMMAND_LINE

app = typer.Typer(
    name="setup",
    help=COMMAND_LINE["setup"],
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)

_PASS_ON: dict[str, Any] = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}


@app.callback()
def setup() -> None:
    """Keeps a single command from taking the place of its group."""


@app.command(
    "livekit",
    help="LiveKit's trunks and dispatch rule for a Telnyx number.",
    context_settings=_PASS_ON,
)
def livekit(context: typer.Context) -> None:
    become("agent.provision.livekit", context.args)


def become(module: str, arguments: list[str]) -> None:
    """Become that process, which has this one's terminal; returns only when that fails."""
    os.execv(sys.executable, [sys.executable, "-P", "-m", module, *arguments])
