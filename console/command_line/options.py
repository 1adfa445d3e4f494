"""The options that the subcommands share, and their checks."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from console import caller
from console.command_line import stt_faults
from console.environment import FRAMEWORKS, KEYS, LINES


def _checked_line(value: str) -> str:
    if value not in LINES:
        raise typer.BadParameter(f"choose one of {', '.join(LINES)}.")
    return value


def _checked_framework(value: str) -> str:
    if value not in ("", *FRAMEWORKS):
        raise typer.BadParameter(f"choose one of {', '.join(FRAMEWORKS)}.")
    return value


def check_rooms(rooms: bool, framework: str) -> None:
    """Raises BadParameter where calls in rooms are asked of a framework that takes none."""
    if rooms and framework == "pipecat":
        raise typer.BadParameter("Pipecat takes no calls in rooms: choose --framework livekit.")


def check_band(line: str, band: str) -> None:
    """Raises BadParameter where a band is asked of a line that has none to choose."""
    if line == "livekit" and band:
        raise typer.BadParameter("--band is for Telnyx's line: in a room the trunk settles the codec.")


def _checked_band(value: str) -> caller.Band:
    for band in ("", *caller.BANDS):
        if value == band:
            return band
    raise typer.BadParameter(f"choose one of {', '.join(caller.BANDS)}.")


def _checked_services(value: str) -> str:
    unknown = [name for name in names(value) if name not in KEYS]
    if unknown:
        raise typer.BadParameter(f"{unknown[0]!r} cannot be simulated: choose from {', '.join(KEYS)}.")
    return value


def checked_number(value: str) -> str:
    if not value:
        return ""
    from agent.numbers import check_number

    number = check_number(value)
    if number is None:
        raise typer.BadParameter(f"{value} is no telephone number: begin with + and the country code.")
    return number


def checked_url(value: str) -> str:
    if value and not value.startswith(("http://", "https://")):
        raise typer.BadParameter("give an address such as http://127.0.0.1:8790.")
    return value.rstrip("/")


def names(value: str) -> tuple[str, ...]:
    """A list with commas as a tuple."""
    return tuple(name.strip() for name in value.split(",") if name.strip())


def token(file: Path | None) -> str:
    """The token of a remote agent, from ``file`` or the environment."""
    if file is None:
        found = os.environ.get("SIDETONE_TOKEN", "")
    else:
        try:
            found = file.read_text(encoding="utf-8").strip()
        except OSError as error:
            raise typer.BadParameter(f"{file} cannot be read: {error.strerror}.") from error
    if not found:
        raise typer.BadParameter("--attach needs the agent's token: give --token-file or set SIDETONE_TOKEN.")
    return found


Line = Annotated[
    str,
    typer.Option(
        callback=_checked_line, metavar="sim|telnyx|livekit", help="Simulated, Telnyx's, or LiveKit rooms."
    ),
]
Rooms = Annotated[
    bool,
    typer.Option("--rooms", help="Take calls in LiveKit rooms, and dial there unless --line says telnyx."),
]
Framework = Annotated[
    str,
    typer.Option(
        callback=_checked_framework,
        metavar="pipecat|livekit",
        help="What the agent runs on. Without it SIDETONE_FRAMEWORK counts, pipecat unless set.",
    ),
]
Simulated = Annotated[
    str,
    typer.Option(
        "--sim",
        callback=_checked_services,
        metavar="stt,llm,tts",
        help="Simulate these whatever keys are set.",
    ),
]
Band = Annotated[
    caller.Band,
    typer.Option(
        parser=_checked_band,
        metavar="narrow|hd",
        help="A telephone's 8 kHz or HD voice at 16 kHz. Without it SIDETONE_BAND counts, narrow unless set.",
    ),
]
CallBand = Annotated[
    caller.Band,
    typer.Option(
        "--band",
        parser=_checked_band,
        metavar="narrow|hd",
        help="A telephone's 8 kHz or HD voice at 16 kHz. Without it --wav keeps the band of its recording, "
        "and for others SIDETONE_BAND counts, narrow unless set.",
    ),
]
PhoneBand = Annotated[
    caller.Band,
    typer.Option("--band", parser=_checked_band, metavar="narrow|hd", help="Of the softphone's line; else hd."),
]
Attach = Annotated[
    str, typer.Option(callback=checked_url, metavar="URL", help="Attach to the agent there; start nothing.")
]
TokenFile = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Holds that agent's token; without it SIDETONE_TOKEN does.")
]
Version = Annotated[bool, typer.Option("--version", help="Print the version.")]
AsJson = Annotated[bool, typer.Option("--json", help="For programs: one JSON object a line.")]
To = Annotated[
    str,
    typer.Argument(callback=checked_number, metavar="NUMBER", help="Whom to dial, with + and country code."),
]
From = Annotated[
    str, typer.Option("--from", callback=checked_number, metavar="NUMBER", help="The calling number.")
]
Say = Annotated[
    list[str] | None, typer.Option(metavar="TEXT", help="What the simulated caller says; may be repeated.")
]
Script = Annotated[Path | None, typer.Option(metavar="FILE", help="What the simulated caller says, as YAML.")]
Inbound = Annotated[bool, typer.Option("--inbound", help="Let the simulated caller dial in.")]
SttFault = Annotated[list[str] | None, typer.Option(metavar="NAME=VALUE", help=stt_faults.HELP)]
Keep = Annotated[bool, typer.Option("--keep", help="Leave agent and simulator running.")]
Timeout = Annotated[float, typer.Option(min=1, metavar="SECONDS", help="Hang up after so long.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask before a live call, which costs money.")]
Limit = Annotated[int, typer.Option(min=1, metavar="N", help="How many.")]
LiveCall = Annotated[
    str, typer.Argument(metavar="CALL", help="The call's id or a beginning of it; without it the only live call.")
]
Fields = Annotated[
    list[str] | None,
    typer.Argument(metavar="NAME=VALUE", help="What to change, such as min_turn_silence=600."),
]
EndTurn = Annotated[bool, typer.Option("--end", help="End the caller's turn here and now.")]
SaveTuning = Annotated[bool, typer.Option("--save", help="Save what was tuned into the agent definition.")]
Turns = Annotated[
    bool, typer.Option("--turns", help="Why each turn ended, and how callers were cut off or waited.")
]
RealSound = Annotated[
    bool,
    typer.Option("--sound", help="Play speech on the speaker, and measure what of it the microphone brings back."),
]
CallId = Annotated[str, typer.Argument(metavar="ID", help="The call's id or a beginning of it.")]
