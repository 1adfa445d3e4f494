"""What the simulator is told when it starts."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import platformdirs

from simulator.addresses import is_loopback

DEFAULT_PORT: Final = 8791


class SettingsError(Exception):
    """A setting that cannot be; the text says what to do, in one sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """`ring_ms`: how long a dialled number rings before it is answered, when its script does not say.

    `api_key`: the only key that Telnyx's REST interface takes; None takes any. `record_dir`: every call is written
    down there. `l16_big_endian`: the byte order of L16 payloads, little-endian by default, since live evidence is
    divided. `sip_port`: where the SIP trunk listens, over UDP and TCP; 0 takes a free port, None is no trunk.
    """

    data_dir: Path
    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    ring_ms: int = 1200
    api_key: str | None = None
    record_dir: Path | None = None
    l16_big_endian: bool = False
    sip_port: int | None = None

    def __post_init__(self) -> None:
        if not is_loopback(self.host):
            raise SettingsError(
                f"The simulator listens on this machine only: use --host 127.0.0.1, not {self.host}."
            )
        if not 0 <= self.port <= 65535:
            raise SettingsError(f"--port must be between 0 and 65535, not {self.port}.")
        if self.sip_port is not None and not 0 <= self.sip_port <= 65535:
            raise SettingsError(f"--sip-port must be between 0 and 65535, not {self.sip_port}.")
        if self.sip_port is not None and (":" in self.host or self.host == "localhost"):
            # SIP and SDP name the address, and `localhost` may be either.
            raise SettingsError("The SIP trunk speaks IPv4 only: use --host 127.0.0.1 with --sip-port.")
        if not 0 <= self.ring_ms <= 120_000:
            raise SettingsError(f"--ring-ms must be between 0 and 120000, not {self.ring_ms}.")


def default_data_dir() -> Path:
    """`SIDETONE_DATA_DIR`, or the platform's place for an application's data."""
    chosen = os.environ.get("SIDETONE_DATA_DIR")
    return Path(chosen) if chosen else platformdirs.user_data_path("sidetone")
