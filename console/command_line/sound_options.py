"""The options about microphone and speaker."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, get_args

import typer

from console.command_line.command_sound import SoundChoice
from console.sound.protocol import Echo


def _checked_echo(value: str) -> Echo | None:
    for echo in get_args(Echo):
        if value == echo:
            return echo
    if value:
        raise typer.BadParameter(f"choose one of {', '.join(get_args(Echo))}.")
    return None


def chosen(
    microphone: str = "",
    speaker: str = "",
    headset: bool | None = None,
    echo: str = "",
    microphone_file: Path | None = None,
    speaker_file: Path | None = None,
) -> SoundChoice:
    """What was given, checked as far as the command line can.

    Raises:
        typer.BadParameter: a setting or a file makes no sense.
    """
    if microphone_file is not None and not microphone_file.is_file():
        raise typer.BadParameter(f"there is no file {microphone_file}.")
    if speaker_file is not None and not speaker_file.absolute().parent.is_dir():
        raise typer.BadParameter(f"there is no folder {speaker_file.absolute().parent}.")
    choice = SoundChoice(
        microphone, speaker, headset, _checked_echo(echo), _absolute(microphone_file), _absolute(speaker_file)
    )
    try:
        choice.configure()
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    return choice


def _absolute(file: Path | None) -> str:
    return "" if file is None else str(file.absolute())


Microphone = Annotated[
    str, typer.Option(metavar="NAME", help="Which one, by name or a part of it; else SIDETONE_MICROPHONE.")
]
Speaker = Annotated[
    str, typer.Option(metavar="NAME", help="Which one, by name or a part of it; else SIDETONE_SPEAKER.")
]
Headset = Annotated[
    bool | None,
    typer.Option("--headset/--no-headset", help="The speaker is at your ear: no echo is cancelled."),
]
EchoMode = Annotated[
    str,
    typer.Option(
        "--echo", metavar="auto|on|off", help="Cancel the speaker's echo; auto does unless it is a headset."
    ),
]
