"""The subcommands of an operator at a live call: listen, step in, record, play."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, get_args

import typer

from agent.api import RecordingAction
from console.command_line import options, sound_options
from console.command_line.live_call import At
from console.commands import COMMAND_LINE

app = typer.Typer()

_SENT = "Exit status: 0 when it was done, 1 when the agent refused or cannot be reached, 2 for wrong usage."
_HEARD = (
    "Exit status: 0 when the call was over or you left, 1 when there is no such call or no sound, "
    "2 for wrong usage."
)
_PLAYED = (
    "Exit status: 0 when it was played to its end, 1 when there is no recording or no sound, 2 for wrong usage, "
    "130 when interrupted."
)

_Words = Annotated[
    list[str],
    typer.Argument(metavar="[CALL] TEXT", help="What to say, in quotes; CALL is needed when several are live."),
]
_Record = Annotated[
    list[str],
    typer.Argument(metavar="[CALL] start|pause|resume", help="What to do; CALL is needed when several are live."),
]
_Ears = Annotated[
    str,
    typer.Option(metavar="mix|split", help="Both voices in both ears, or the caller left and the agent right."),
]
_Into = Annotated[
    Path | None, typer.Option("--wav", metavar="FILE", help="Write what is heard there; no speaker is needed.")
]
_Spoken = Annotated[
    Path | None, typer.Option("--wav", metavar="FILE", help="Speak this recording in place of the microphone.")
]
_Speed = Annotated[float, typer.Option(min=1, max=2, metavar="N", help="1 to 2 times as fast; the pitch stays.")]
_FromSecond = Annotated[float, typer.Option("--from", min=0, metavar="SECONDS", help="Where to begin.")]


@app.command("listen", help=COMMAND_LINE["listen"], epilog=_HEARD)
def listen(
    call: options.LiveCall = "",
    ears: _Ears = "",
    wav: _Into = None,
    speaker: sound_options.Speaker = "",
    as_json: options.AsJson = False,
    attach: options.Attach = "",
    token_file: options.TokenFile = None,
) -> None:
    from console.command_line import listening

    chosen: Literal["mix", "split"] = "split" if ears == "split" or (wav and not ears) else "mix"
    if ears not in ("", "mix", "split"):
        raise typer.BadParameter("--ears is mix or split.")
    choice = sound_options.chosen(speaker=speaker, speaker_file=wav)
    raise typer.Exit(listening.listen(_at(call, attach, token_file), choice, chosen, as_json))


@app.command("say", help=COMMAND_LINE["say"], epilog=_SENT)
def say(
    words: _Words,
    as_json: options.AsJson = False,
    attach: options.Attach = "",
    token_file: options.TokenFile = None,
) -> None:
    from console.command_line import step_in

    call, text = _split(words, "the text")
    raise typer.Exit(step_in.tell(_at(call, attach, token_file), "say", text, as_json))


@app.command("whisper", help=COMMAND_LINE["whisper"], epilog=_SENT)
def whisper(
    words: _Words,
    as_json: options.AsJson = False,
    attach: options.Attach = "",
    token_file: options.TokenFile = None,
) -> None:
    from console.command_line import step_in

    call, text = _split(words, "the text")
    raise typer.Exit(step_in.tell(_at(call, attach, token_file), "whisper", text, as_json))


@app.command("mute", help=COMMAND_LINE["mute"], epilog=_SENT)
def mute(
    call: options.LiveCall = "",
    as_json: options.AsJson = False,
    attach: options.Attach = "",
    token_file: options.TokenFile = None,
) -> None:
    from console.command_line import step_in

    raise typer.Exit(step_in.mute(_at(call, attach, token_file), as_json))


@app.command("take-over", help=COMMAND_LINE["take-over"], epilog=_HEARD)
def take_over(
    call: options.LiveCall = "",
    wav: _Spoken = None,
    microphone: sound_options.Microphone = "",
    speaker: sound_options.Speaker = "",
    headset: sound_options.Headset = None,
    echo: sound_options.EchoMode = "",
    as_json: options.AsJson = False,
    attach: options.Attach = "",
    token_file: options.TokenFile = None,
) -> None:
    from console.command_line import step_in

    choice = sound_options.chosen(microphone, speaker, headset, echo, microphone_file=wav)
    raise typer.Exit(step_in.take_over(_at(call, attach, token_file), choice, as_json))


@app.command("record", help=COMMAND_LINE["record"], epilog=_SENT)
def record(
    words: _Record,
    as_json: options.AsJson = False,
    attach: options.Attach = "",
    token_file: options.TokenFile = None,
) -> None:
    from console.command_line import recordings

    call, asked = _split(words, "start, pause or resume")
    for action in get_args(RecordingAction):
        if asked == action:
            raise typer.Exit(recordings.record(_at(call, attach, token_file), action, as_json))
    raise typer.BadParameter(f"choose one of {', '.join(get_args(RecordingAction))}, not {asked!r}.")


@app.command("play", help=COMMAND_LINE["play"], epilog=_PLAYED)
def play(
    call: options.CallId,
    speed: _Speed = 1.0,
    from_second: _FromSecond = 0.0,
    speaker: sound_options.Speaker = "",
    wav: _Into = None,
    as_json: options.AsJson = False,
    attach: options.Attach = "",
    token_file: options.TokenFile = None,
) -> None:
    from console.command_line import recordings

    choice = sound_options.chosen(speaker=speaker, speaker_file=wav)
    at = _at(call, attach, token_file)
    raise typer.Exit(recordings.play(at, choice, speed, from_second, as_json))


def _at(call: str, attach: str, token_file: Path | None) -> At:
    return At(call, attach, options.token(token_file) if attach else "")


def _split(words: list[str], what: str) -> tuple[str, str]:
    """The call, if one was named, and the last word."""
    if len(words) > 2:
        raise typer.BadParameter(f"give at most a call and {what}; put a text of several words in quotes.")
    call, last = ("", words[0]) if len(words) == 1 else words
    if not last.strip():
        raise typer.BadParameter(f"give {what}.")
    return call, last
