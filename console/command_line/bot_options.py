"""The options of ``sidetone call --bot``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Bot = Annotated[str, typer.Option("--bot", metavar="COMMAND", help="Call this bot instead of our agent.")]
BotUrl = Annotated[
    str, typer.Option("--bot-url", metavar="URL", help="Where it answers: http:// for TeXML, ws:// for media.")
]
Wav = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="What the simulated caller says, as a recording: WAV, FLAC, Ogg or MP3."),
]
Preset = Annotated[str, typer.Option(metavar="NAME", help="Who the simulated caller is, by name.")]
Fault = Annotated[list[str] | None, typer.Option(metavar="NAME=VALUE", help="Of the line; may be repeated.")]
Seed = Annotated[int | None, typer.Option(metavar="N", help="Makes the faults of the line repeatable.")]
Codec = Annotated[str, typer.Option(metavar="NAME", help="Of the caller's telephone.")]
Record = Annotated[Path | None, typer.Option(metavar="DIR", help="Put a stereo WAV and the frames there.")]
