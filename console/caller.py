"""Who is on the simulated telephone, as the command line says it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from console.recording_rate import sample_rate

Band = Literal["", "narrow", "hd"]
BANDS: tuple[Band, ...] = ("narrow", "hd")

_TELEPHONE_HZ = 8000
_WIDEBAND = "G722"


@dataclass(frozen=True, slots=True)
class Caller:
    """Nothing given leaves it to the demonstration's caller. `faults` are those of the line, by name.

    `wav` is a recording of any format that libsndfile reads, played over and over with `loop`.
    `microphone`: a person at this machine; the order then says nothing of who calls.
    `noise` is a recording that is heard behind the caller all the time, `snr_db` below the caller's speech.
    `record` is a folder for the call's stereo WAV and raw frames.
    """

    script: dict[str, Any] | None = None
    preset: str = ""
    wav: Path | None = None
    loop: bool = False
    microphone: bool = False
    noise: Path | None = None
    snr_db: float = 15.0
    codec: str = ""
    faults: dict[str, Any] = field(default_factory=dict[str, Any])
    record: Path | None = None

    def order(self, *, wideband: bool = False) -> dict[str, Any]:
        """What the simulator is asked for; it checks the values.

        `wideband`: the telephone is one for HD voice, if nothing names its codec. Only a caller who dials in needs
        it: one who is called has what the agent dials for.
        """
        named = self.codec or (self.script or {}).get("codec")
        given = {
            "script": self.script,
            "codec": self.codec or (_WIDEBAND if wideband and not named else None),
            "preset": self.preset or None,
            "wav": None if self.wav is None else str(self.wav.resolve()),
            "loop": self.loop or None,
            "noise": None if self.noise is None else {"file": str(self.noise.resolve()), "snr_db": self.snr_db},
            "faults": self.faults or None,
            "record": None if self.record is None else str(self.record.resolve()),
        }
        return {name: value for name, value in given.items() if value is not None}


def band_for(asked: Band, caller: Caller, *, live: bool) -> Band:
    """The band of a call's line: what was asked for, else that of a recording or microphone, else empty for the
    agent's own.

    A recording keeps its band on the simulated line, HD above a telephone's 8 kHz, so that it is heard as well as
    the voice in it was recorded, and a microphone is HD; naming the telephone's codec leaves that to the codec.
    """
    if asked or live or caller.codec:
        return asked
    if caller.wav is None:
        return "hd" if caller.microphone else asked
    rate = sample_rate(caller.wav)
    return asked if not rate else "hd" if rate > _TELEPHONE_HZ else "narrow"


def faults(items: Sequence[str] | None, seed: int | None) -> dict[str, Any]:
    """`name=value` texts as the simulator takes them.

    Raises:
        ValueError: one is no such text; one sentence.
    """
    given: dict[str, Any] = {} if seed is None else {"seed": seed}
    for item in items or ():
        name, equals, value = item.partition("=")
        if not equals:
            raise ValueError(f"{item!r} is no fault: write it as name=value, such as loss=0.02.")
        given[name.strip()] = _value(value.strip())
    return given


def _value(text: str) -> Any:
    if text in ("true", "false"):
        return text == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
