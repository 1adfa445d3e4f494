"""``sidetone phone``."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from console.caller import Band
from console.command_line import call_options, options, sound_options
from console.commands import COMMAND_LINE

app = typer.Typer()

_EPILOG = (
    "Keys: space mutes, 0-9 * # are a telephone's, x hangs up, enter calls or accepts a call that rings, "
    "backspace declines it, S changes devices, q leaves. Exit status: 0 when you left, 1 when it could not be "
    "opened, 2 for wrong usage."
)

_Number = Annotated[
    str,
    typer.Argument(
        callback=options.checked_number, metavar="NUMBER", help="Whom to call; without it the agent's own number."
    ),
]
_Wait = Annotated[bool, typer.Option("--wait", help="Do not call: ring when the agent calls the softphone.")]
_TexmlUrl = Annotated[
    str,
    typer.Option(
        callback=options.checked_url, metavar="URL", help="Call somebody else's bot, which answers TeXML there."
    ),
]
_StreamUrl = Annotated[
    str, typer.Option(metavar="URL", help="Call somebody else's bot, which takes the media WebSocket there.")
]
_List = Annotated[
    bool, typer.Option("--list-devices", help="Print the microphones and speakers, and nothing else.")
]


@app.command("phone", help=COMMAND_LINE["phone"], epilog=_EPILOG)
def phone(
    number: _Number = "",
    wait: _Wait = False,
    texml_url: _TexmlUrl = "",
    stream_url: _StreamUrl = "",
    band: options.PhoneBand = "",
    simulated: options.Simulated = "",
    noise: call_options.Noise = None,
    snr: call_options.Snr = None,
    microphone: sound_options.Microphone = "",
    speaker: sound_options.Speaker = "",
    headset: sound_options.Headset = None,
    echo: sound_options.EchoMode = "",
    keep: options.Keep = False,
    list_devices: _List = False,
    as_json: options.AsJson = False,
) -> None:
    choice = sound_options.chosen(microphone, speaker, headset, echo)
    if list_devices:
        from console.command_line import devices

        raise typer.Exit(devices.run(choice, as_json))
    if as_json:
        raise typer.BadParameter(
            "--json is for --list-devices; `sidetone call --mic --json` tells the events of a call."
        )
    if texml_url and stream_url:
        raise typer.BadParameter("--texml-url and --stream-url exclude each other.")
    if stream_url and not stream_url.startswith(("ws://", "wss://")):
        raise typer.BadParameter("--stream-url is an address such as ws://127.0.0.1:7860/ws.")
    if wait and (texml_url or stream_url or number):
        raise typer.BadParameter("--wait calls nobody: leave out whom to call.")
    if snr is not None and not noise:
        raise typer.BadParameter("--snr needs --noise.")
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        print("There is no terminal here for the softphone: use `sidetone call --mic`.", file=sys.stderr)
        raise typer.Exit(1)
    # What is given here counts more than the settings, which the app reads as the console does.
    os.environ.update(choice.settings())
    _open(number, wait, texml_url, stream_url, band or "hd", options.names(simulated), noise, snr, keep)


def _open(
    number: str,
    wait: bool,
    texml_url: str,
    stream_url: str,
    band: Band,
    simulated: tuple[str, ...],
    noise: Path | None,
    snr: float | None,
    keep: bool,
) -> None:
    from console import symbols
    from console.caller import Caller
    from console.environment import SIM_NUMBER
    from console.phone_app import PhoneOrder, run
    from console.sound_desk import Telephone

    target = {name: url for name, url in (("texml_url", texml_url), ("stream_url", stream_url)) if url}
    line = Caller(microphone=True, noise=noise, snr_db=15.0 if snr is None else snr).order()
    telephone = Telephone(to=number or SIM_NUMBER, line=line, target=target)
    order = PhoneOrder(telephone, waits=wait, band=band, simulated=simulated, keep=keep)
    raise typer.Exit(run(order, symbols.choose()))
