"""The options of ``sidetone tune``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from console.command_line.tune_recordings import CHANNELS


def _checked_channel(value: str) -> str:
    if value not in CHANNELS:
        raise typer.BadParameter(f"choose one of {', '.join(CHANNELS)}.")
    return value


Recordings = Annotated[
    list[Path], typer.Argument(metavar="RECORDING...", help="WAV files, or folders such as that of --record.")
]
Grid = Annotated[
    list[str] | None,
    typer.Option(
        "--grid",
        metavar="NAME=VALUE,...",
        help="Values to try of a parameter; may be repeated. Without it both silences are tried.",
    ),
]
Agent = Annotated[
    Path | None, typer.Option(metavar="FILE", help="The agent definition to compare with and to begin from.")
]
Channel = Annotated[
    str,
    typer.Option(
        callback=_checked_channel, metavar="left|right", help="Where the caller is in a stereo recording."
    ),
]
