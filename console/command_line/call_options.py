"""The options of ``sidetone call`` about who calls."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Mic = Annotated[
    bool, typer.Option("--mic", help="You are the caller, with microphone and speaker; Ctrl-C hangs up.")
]
Loop = Annotated[bool, typer.Option("--loop", help="Play --wav again and again.")]
Noise = Annotated[Path | None, typer.Option(metavar="FILE", help="A recording behind the caller all the time.")]
Snr = Annotated[
    float | None,
    typer.Option(min=-20, max=60, metavar="DB", help="How far --noise is below the caller's speech; else 15."),
]
