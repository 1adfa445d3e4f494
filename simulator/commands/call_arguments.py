"""`sidetone simulator call`: its options, and the order for `POST /sim/calls` that they make."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, Final

import msgspec

from simulator.addresses import is_url
from simulator.line.plan import LineFaultPlan, parse_faults

_ABOUT: Final = (
    "One call into a bot that is not Sidetone's, through the simulator that runs or one started for this call: "
    "an account of it as it goes, then what the bot did that Telnyx does not allow, each with its fix."
)
_EPILOG: Final = (
    "Exit status: 0 when the bot was heard, answered every line and broke no rule; 1 when not; 2 for wrong usage; "
    "130 when interrupted."
)
_DEFAULT_LINES: Final = ("Hello, can you hear me?", "Thank you, goodbye.")
CALLER: Final = "+15550100123"
CALLED: Final = "+15550100000"


class UsageError(Exception):
    """The options cannot be used; one sentence."""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    call = commands.add_parser(
        "call", help="make one call into any bot", description=_ABOUT, epilog=_EPILOG, allow_abbrev=False
    )
    bot = call.add_mutually_exclusive_group(required=True)
    bot.add_argument("--url", metavar="WS", help="open the media stream here at once, ws:// or wss://")
    bot.add_argument("--texml", metavar="HTTP", help="fetch TeXML here, as for an incoming call")
    bot.add_argument("--connection", metavar="ID", help="call a number of this connection of the simulator")
    bot.add_argument(
        "--sip", metavar="HOST:PORT", help="call by SIP, as Telnyx calls livekit-sip; of this machine"
    )
    caller = call.add_mutually_exclusive_group()
    caller.add_argument("--say", action="append", metavar="TEXT", help="what the caller says; may be repeated")
    caller.add_argument("--script", type=Path, metavar="FILE", help="what the caller says, as YAML")
    caller.add_argument("--wav", type=Path, metavar="FILE", help="what the caller says: WAV, FLAC, Ogg, MP3")
    caller.add_argument("--replay", type=Path, metavar="FILE", help="the frames of a recorded call; needs --url")
    caller.add_argument("--preset", metavar="NAME", help="who calls: one of the simulator's presets")
    call.add_argument("--loop", action="store_true", help="play the recording of --wav over and over")
    call.add_argument(
        "--noise", type=Path, metavar="FILE", help="a recording heard behind the caller all the time"
    )
    call.add_argument("--snr", type=float, metavar="DB", help="how far the noise is below the speech; usually 15")
    call.add_argument("--from", dest="from_", default=CALLER, metavar="NUMBER", help=f"usually {CALLER}")
    call.add_argument("--to", default=CALLED, metavar="NUMBER", help=f"usually {CALLED}")
    call.add_argument("--transport", choices=("udp", "tcp"), help="of --sip; usually udp")
    call.add_argument("--method", choices=("GET", "POST"), help="how TeXML is fetched; usually POST")
    call.add_argument(
        "--auth-token-file", type=Path, metavar="FILE", help="holds the stream_auth_token that --url expects"
    )
    call.add_argument("--codec", metavar="NAME", help="of the caller's telephone, such as PCMU or PCMA")
    call.add_argument("--fault", action="append", default=[], metavar="NAME=VALUE", help="of the line; repeatable")
    call.add_argument("--seed", type=int, metavar="N", help="makes the faults of the line repeatable")
    call.add_argument("--record", type=Path, metavar="DIR", help="put a stereo WAV and the frames there")
    call.add_argument("--no-probe", action="store_true", help="send the bot no unsigned webhook to see it refused")
    call.add_argument("--timeout", type=float, default=300.0, metavar="SECONDS", help="hang up after so long")
    call.add_argument("--json", action="store_true", help="print the report alone, one JSON object")
    # Left out when not given, so that the same options before `call` keep their values.
    call.add_argument("--data-dir", type=Path, default=argparse.SUPPRESS, help="where keys and state are kept")
    call.add_argument("--port", type=int, default=argparse.SUPPRESS, help="when no simulator runs yet")


def order(chosen: argparse.Namespace) -> dict[str, Any]:
    """The body of `POST /sim/calls`; what was not chosen is left out. Raises UsageError."""
    made: dict[str, Any] = {"from": chosen.from_, "to": chosen.to, **_bot(chosen), **_caller(chosen)}
    if chosen.codec:
        made["codec"] = chosen.codec.upper()
    if chosen.noise is not None:
        made["noise"] = {"file": _file("noise", chosen.noise)}
        if chosen.snr is not None:
            made["noise"]["snr_db"] = chosen.snr
    elif chosen.snr is not None:
        raise UsageError("--snr belongs to --noise.")
    if chosen.fault or chosen.seed is not None:
        made["faults"] = _faults(chosen)
    if chosen.record is not None:
        made["record"] = str(chosen.record.absolute())
    if not chosen.no_probe:
        made["probe"] = True
    if not 1 <= chosen.timeout <= 86_400:
        raise UsageError(f"--timeout must be between 1 and 86400 seconds, not {chosen.timeout:g}.")
    return made


def where(chosen: argparse.Namespace) -> str:
    """What is called, for people."""
    if chosen.url:
        return f"media stream {chosen.url}"
    if chosen.sip:
        return f"SIP address {chosen.sip}"
    return f"TeXML {chosen.texml}" if chosen.texml else f"connection {chosen.connection}"


def speaks(chosen: argparse.Namespace) -> bool:
    """Whether the caller needs the simulator's voice."""
    return chosen.wav is None


def check_replay(chosen: argparse.Namespace) -> None:
    """A replay goes straight to a media stream. Raises UsageError."""
    if not chosen.url:
        raise UsageError("--replay sends frames to a media stream: give its address with --url.")
    _bot(chosen)
    _file("replay", chosen.replay)


def _bot(chosen: argparse.Namespace) -> dict[str, Any]:
    if chosen.method and not chosen.texml:
        raise UsageError("--method belongs to --texml.")
    if chosen.transport and not chosen.sip:
        raise UsageError("--transport belongs to --sip.")
    if chosen.auth_token_file and not chosen.url:
        raise UsageError("--auth-token-file belongs to --url.")
    if chosen.sip:
        return {"sip": {"address": chosen.sip, **({"transport": chosen.transport} if chosen.transport else {})}}
    if chosen.url:
        if not is_url(chosen.url, ("ws", "wss")):
            raise UsageError(f"--url must be a ws:// or wss:// address, not {chosen.url[:80]!r}.")
        token = auth_token(chosen)
        if token is not None:
            return {"stream": {"url": chosen.url, "auth_token": token}}
        return {"stream_url": chosen.url}
    if chosen.texml:
        if not is_url(chosen.texml, ("http", "https")):
            raise UsageError(f"--texml must be an http:// or https:// address, not {chosen.texml[:80]!r}.")
        return {"texml_url": chosen.texml, **({"texml_method": chosen.method} if chosen.method else {})}
    return {"connection_id": chosen.connection}


def _file(name: str, path: Path) -> str:
    if not path.is_file():
        raise UsageError(f"--{name} needs a file: {path} is none.")
    # The simulator may stand in another folder.
    return str(path.absolute())


def _caller(chosen: argparse.Namespace) -> dict[str, Any]:
    if chosen.loop and chosen.wav is None:
        raise UsageError("--loop belongs to --wav.")
    if chosen.preset:
        return {"preset": chosen.preset}
    if chosen.wav is not None:
        return {"wav": _file("wav", chosen.wav), **({"loop": True} if chosen.loop else {})}
    script = {"turns": [{"user": line} for line in chosen.say or _DEFAULT_LINES]}
    if chosen.script is not None:
        script = _read(chosen.script)
    # Loads numpy, which `python -m simulator` prepares for first.
    from simulator.caller.script import ScriptError, parse_script

    try:
        parse_script(script)
    except ScriptError as error:
        raise UsageError(str(error)) from None
    return {"script": script}


def _read(path: Path) -> Any:
    import yaml

    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not YAML: {str(error).splitlines()[0]}.") from None


def _faults(chosen: argparse.Namespace) -> dict[str, Any]:
    """Without those that are as usual."""
    try:
        plan = parse_faults(chosen.fault, chosen.seed)
    except ValueError as error:
        raise UsageError(str(error)) from None
    usual = msgspec.structs.asdict(LineFaultPlan())
    return {name: value for name, value in msgspec.structs.asdict(plan).items() if value != usual[name]}


def auth_token(chosen: argparse.Namespace) -> str | None:
    """The stream_auth_token, from its file: a command line can be read by others. Raises UsageError."""
    if chosen.auth_token_file is None:
        return None
    try:
        token = chosen.auth_token_file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{chosen.auth_token_file} cannot be read: {error}.") from error
    if not token:
        raise UsageError(f"{chosen.auth_token_file} is empty: put the stream_auth_token there.")
    return token
