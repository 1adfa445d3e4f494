"""The command line of `python -m simulator`."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from simulator.commands import call_arguments
from simulator.environment import FORMATS
from simulator.settings import DEFAULT_PORT, Settings, default_data_dir

_ABOUT = "Play Telnyx, AssemblyAI, OpenAI, Deepgram and Rime on one loopback port until stopped."
_EPILOG = (
    'A running simulator tells a shell where it is: eval "$(sidetone simulator --print-env)". '
    "SIDETONE_SIM_API_KEY is the one key that its Telnyx takes; without it any key will do."
)


def parser() -> argparse.ArgumentParser:
    """Options of the simulator itself, and `call`; `command` is None when there is no sub-command."""
    made = argparse.ArgumentParser(
        prog="sidetone simulator", description=_ABOUT, epilog=_EPILOG, allow_abbrev=False
    )
    made.add_argument("--host", default="127.0.0.1", help="loopback address to listen on")
    made.add_argument("--port", type=int, default=DEFAULT_PORT, help="0 takes any free port")
    made.add_argument("--data-dir", type=Path, default=default_data_dir(), help="where keys and state are kept")
    made.add_argument("--ring-ms", type=int, default=1200, help="how long a dialled number rings")
    made.add_argument("--record", type=Path, metavar="DIR", help="write every call there: stereo WAV, raw frames")
    made.add_argument(
        "--l16-byte-order", choices=("little", "big"), default="little", help="of L16 payloads; Telnyx is silent"
    )
    made.add_argument(
        "--sip-port",
        type=int,
        metavar="PORT",
        help="also play Telnyx's SIP trunk there, over UDP and TCP, for livekit-sip or any client; 0: any port",
    )
    made.add_argument(
        "--print-env",
        action="store_true",
        help="print the environment of the simulator that runs, and end",
    )
    made.add_argument("--format", choices=tuple(FORMATS), default="export", help="how to print the environment")
    made.add_argument(
        "--env-file", type=Path, metavar="PATH", help="also write the environment into this .env file, mode 0600"
    )
    commands = made.add_subparsers(dest="command", title="commands", metavar="COMMAND")
    call_arguments.add(commands)
    return made


def settings(chosen: argparse.Namespace) -> Settings:
    """Raises SettingsError."""
    calls_by_sip = chosen.command == "call" and chosen.sip is not None
    return Settings(
        data_dir=chosen.data_dir,
        host=chosen.host,
        port=chosen.port,
        ring_ms=chosen.ring_ms,
        api_key=os.environ.get("SIDETONE_SIM_API_KEY") or None,
        record_dir=chosen.record,
        l16_big_endian=chosen.l16_byte_order == "big",
        sip_port=0 if calls_by_sip and chosen.sip_port is None else chosen.sip_port,
    )
