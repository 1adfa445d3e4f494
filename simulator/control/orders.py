"""What may be asked for at `/sim`, checked. Pure but for the files a caller plays."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from simulator.addresses import is_loopback, is_url
from simulator.caller.demo import DEMO
from simulator.caller.noise import Noise
from simulator.caller.presets import PRESETS, Preset, file_preset
from simulator.caller.script import Script, parse_script
from simulator.faults import Fault
from simulator.line.plan import LineFaultPlan
from simulator.telnyx.calls.answerers import Answerer
from simulator.telnyx.calls.incoming import IncomingCall
from simulator.telnyx.calls.sip_target import SipTarget, SipTransport
from simulator.telnyx.media.options import CODECS, Codec, Mode, StreamOptions, Track
from simulator.telnyx.requests.numbers import is_e164
from simulator.telnyx.texml.source import Fetch, Source

SERVICES: Final = ("assemblyai", "openai", "deepgram", "rime")


class OrderError(Exception):
    """The order makes no sense; the text says where and why, in one sentence."""


class StreamOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A media stream straight to an application, as a Call Control command would ask for it."""

    url: str
    track: Track = "inbound_track"
    codec: Codec | None = None
    mode: Mode = "rtp"
    send_codec: Codec = "PCMU"
    rate: int = 8000
    auth_token: str | None = None


class SipOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A SIP address of this machine that Telnyx is to bring the call to, as it would to an FQDN connection.

    `address` is host:port. Numbers are written as +E.164.
    """

    address: str
    transport: SipTransport = "udp"

    def target(self) -> SipTarget:
        """Raises OrderError."""
        host, _, port = self.address.rpartition(":")
        if (
            ":" in host
            or not is_loopback(host)
            or not (port.isascii() and port.isdigit() and 0 < int(port) < 65_536)
        ):
            raise OrderError(
                f"sip.address must be host:port of this machine, as in 127.0.0.1:5060, not {self.address[:80]!r}."
            )
        return SipTarget(host, int(port), self.transport)


class CallOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A caller who is to dial in: POST /sim/calls.

    One of `texml_url`, `stream_url` (or `stream`), `connection_id` and `sip` says where to. One of `script`,
    `preset` and `wav` says who calls; without one it is the demo's caller. `wav` is a recording, WAV, FLAC, Ogg or
    MP3, played over and over with `loop`. `noise` is heard behind the caller. `record`: a folder to write the call
    down in. `probe`: afterwards, see whether the application accepts unsigned webhooks.
    """

    from_number: str = msgspec.field(name="from", default="+15550100123")
    to_number: str = msgspec.field(name="to", default="+15550100000")
    texml_url: str | None = None
    texml_method: Literal["GET", "POST"] = "POST"
    status_callback: str | None = None
    stream_url: str | None = None
    stream: StreamOrder | None = None
    connection_id: str | None = None
    sip: SipOrder | None = None
    script: dict[str, Any] | None = None
    preset: str | None = None
    wav: str | None = None
    loop: bool = False
    noise: Noise | None = None
    codec: Codec | None = None
    faults: LineFaultPlan | None = None
    record: str | None = None
    probe: bool = False

    def who(self) -> Script | Preset:
        """Raises OrderError or ScriptError."""
        return who_of(self.script, self.preset, self.wav, self.codec, loop=self.loop)

    def telephone(self) -> Codec:
        """What a caller's telephone negotiates who names no codec."""
        stream = self.stream_options()
        return self.codec or ("PCMU" if stream is None else stream.telephone)

    def placed(self, answerer: Answerer) -> IncomingCall:
        """The call of whoever that is, to be dialled in."""
        return IncomingCall(
            from_number=self.from_number,
            to_number=self.to_number,
            answerer=answerer,
            texml=self.texml(),
            status_callback=self.status_callback,
            stream=self.stream_options(),
            connection_id=self.connection_id,
            sip=None if self.sip is None else self.sip.target(),
            faults=self.faults,
            record_to=None if self.record is None else Path(self.record),
        )

    def texml(self) -> Source | None:
        return None if self.texml_url is None else Fetch(self.texml_url, self.texml_method)

    def stream_options(self) -> StreamOptions | None:
        asked = self.stream or (None if self.stream_url is None else StreamOrder(self.stream_url))
        if asked is None:
            return None
        return StreamOptions(
            url=asked.url,
            track=asked.track,
            codec=asked.codec,
            mode=asked.mode,
            send_codec=asked.send_codec if self.stream else (self.codec or asked.send_codec),
            rate=asked.rate if self.stream else (16_000 if self.codec == "L16" else asked.rate),
            target_legs="self",
            auth_token=asked.auth_token,
        )

    def check(self) -> None:
        """Raises OrderError."""
        for name, number in (("from", self.from_number), ("to", self.to_number)):
            check_number(name, number)
        for name, url in (("texml_url", self.texml_url), ("status_callback", self.status_callback)):
            if url is not None and not is_url(url, ("http", "https")):
                raise OrderError(f"{name} must be an http(s) address, not {url[:80]!r}.")
        ways = [self.texml_url, self.stream_url, self.stream, self.connection_id, self.sip]
        if sum(way is not None for way in ways) != 1:
            raise OrderError("Give exactly one of texml_url, stream_url, stream, connection_id and sip.")
        stream = self.stream_url if self.stream is None else self.stream.url
        if stream is not None and not is_url(stream, ("ws", "wss")):
            raise OrderError(f"stream_url must be a ws(s) address, not {stream[:80]!r}.")
        check_line(self.codec, self.noise, self.record)


class NumberOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who answers at a number: PUT /sim/numbers/{number}, when it is not a plain script."""

    preset: str | None = None
    script: dict[str, Any] | None = None
    wav: str | None = None
    loop: bool = False
    noise: Noise | None = None
    codec: Codec | None = None
    faults: LineFaultPlan | None = None
    record: str | None = None
    keep: bool = False

    @property
    def record_to(self) -> Path | None:
        return None if self.record is None else Path(self.record)

    def who(self) -> Script | Preset:
        """Raises OrderError or ScriptError."""
        self.check()
        return who_of(self.script, self.preset, self.wav, self.codec, loop=self.loop)

    def check(self) -> None:
        """Raises OrderError."""
        check_line(self.codec, self.noise, self.record)


class FaultOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A fault to show: POST /sim/faults."""

    service: str
    fault: Fault


def number_order(value: dict[str, Any]) -> NumberOrder:
    """An order, or a plain script with an optional `keep` beside its own keys. Raises OrderError."""
    if not {"preset", "script", "wav", "noise", "faults", "record"} & set(value):
        keep = value.get("keep", False)
        if not isinstance(keep, bool):
            raise OrderError("keep must be true or false.")
        return NumberOrder(script={key: item for key, item in value.items() if key != "keep"}, keep=keep)
    try:
        return msgspec.convert(value, NumberOrder)
    except msgspec.ValidationError as error:
        raise OrderError(f"The request is not valid: {error}.") from None


def who_of(
    script: dict[str, Any] | None, preset: str | None, wav: str | None, codec: Codec | None, *, loop: bool = False
) -> Script | Preset:
    """Raises OrderError or ScriptError."""
    if sum(one is not None for one in (script, preset, wav)) > 1:
        raise OrderError("Give at most one of script, preset and wav.")
    if loop and wav is None:
        raise OrderError("loop is for a recording: give wav with it.")
    if preset is not None:
        if preset not in PRESETS:
            raise OrderError(f"preset must be one of {', '.join(PRESETS)}, not {preset[:40]!r}.")
        chosen_preset = PRESETS[preset]
        return chosen_preset if codec is None else dataclasses.replace(chosen_preset, codec=codec)
    if wav is not None:
        path = Path(wav)
        if not path.is_file():
            raise OrderError(f"There is no file {wav[:200]!r} to play.")
        return file_preset(path, codec, loop=loop)
    chosen = DEMO if script is None else parse_script(script)
    return chosen if codec is None else msgspec.structs.replace(chosen, codec=codec)


def check_line(codec: Codec | None, noise: Noise | None, record: str | None) -> None:
    """Raises OrderError."""
    if codec is not None and codec not in CODECS:
        raise OrderError(f"The simulated line carries {', '.join(CODECS)}, not {codec}.")
    if noise is not None and not Path(noise.file).is_file():
        raise OrderError(f"There is no file {noise.file[:200]!r} to be the noise.")
    if record is not None and not Path(record).is_absolute():
        raise OrderError(f"record must be an absolute path to a folder, not {record[:80]!r}.")


def check_number(name: str, number: str) -> None:
    """Raises OrderError."""
    if not is_e164(number):
        raise OrderError(f"{name} must be a phone number in +E164 format, not {number[:40]!r}.")
