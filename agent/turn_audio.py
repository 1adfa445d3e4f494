"""The audio that a session may still owe words for, so that another session can be given it again.

Pure. Positions are bytes of the audio that the framework has sent since it connected.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from agent.line_meter import loudness_db

REPLAY_MS: Final = 20_000
"""The service hears hardly faster than people speak (seen live, 2026-09): more makes every later word late."""
QUIET_MS: Final = 3_000
"""Kept between turns: a first partial comes about 1.2 s after the first sound (seen live, 2026-09)."""
HELD_MS: Final = 40_000
_BEFORE_MS: Final = 300
_PIECE_MS: Final = 500
_WHOLE_MS: Final = 1_000
_PIECE_BYTES: Final = 64 * 1024
_VOICE_DB: Final = -48.0
_SAMPLE_BYTES: Final = {"pcm_s16le": 2, "pcm_mulaw": 1}


class TurnAudio:
    """Follows one framework's audio and the turns of its sessions; keeps what belongs to the turn that is open.

    Encodings whose bytes tell no time (Opus, AAC) are not kept, and count as no audio.
    """

    def __init__(self, parameters: Mapping[str, str]) -> None:
        """``parameters``: the query of the session."""
        encoding = parameters.get("encoding") or "pcm_s16le"
        rate = parameters.get("sample_rate") or "16000"
        self._sample = _SAMPLE_BYTES.get(encoding, 0)
        self._per_s = int(rate) * self._sample if rate.isdecimal() and len(rate) < 7 else 0
        self._formatted = parameters.get("format_turns", "").lower() == "true"
        self._kept: deque[bytes] = deque()
        self._begin = self._end = 0
        self._given = 0
        self._base = 0
        self._quiet, self._replay, self._held = map(self._bytes, (QUIET_MS, REPLAY_MS, HELD_MS))
        self._open: list[Any] | None = None
        self._open_base = 0

    @property
    def text(self) -> str:
        """What has been understood of the open turn; empty when none is open."""
        return " ".join(str(_field(word, "text") or "") for word in self._open or ())

    @property
    def sent_ms(self) -> int:
        """The audio that the session has been given."""
        return self._ms(self._given - self._base)

    @property
    def base_ms(self) -> int:
        """Where the session's audio begins in all that the framework sent."""
        return self._ms(self._base)

    def add(self, audio: bytes) -> None:
        """A message of the framework's, before it goes on or has to wait."""
        if not self._per_s:
            return
        limit = self._held if self._given < self._end else self._quiet if self._open is None else self._replay
        self._kept.append(audio)
        self._end += len(audio)
        while self._end - self._begin > limit:
            self._begin += len(self._kept.popleft())

    def passed(self) -> None:
        """The session has been given all that was added."""
        self._given = self._end

    def turn(self, message: Mapping[str, Any]) -> bool:
        """A Turn of the session; returns whether it was the last of its turn."""
        words = message.get("words")
        words = words if isinstance(words, list) and words else None
        if self.is_last(message):
            self._open = None
            if words:
                self._drop_before(self._at(self._base, _field(words[-1], "end")))
            return True
        if words:
            self._open, self._open_base = words, self._base
        return False

    def is_last(self, message: Mapping[str, Any]) -> bool:
        """Whether a Turn ends its turn: where formatted ones are asked for, the plain one comes before them."""
        return bool(message.get("end_of_turn")) and (not self._formatted or bool(message.get("turn_is_formatted")))

    def begin_again(self) -> int:
        """Another session begins: go back to where the open turn, or speech without words yet, began.

        Returns the milliseconds that it is given a second time, besides what has waited.
        """
        before = self._given
        self._base = self._given = max(self._begin, min(before, self._replay_from()))
        return self._ms(max(0, before - self._given))

    def next_piece(self) -> bytes:
        """The next message for a session that is behind, of 50 to 1000 ms as the service wants them, or nothing.

        What waits is bounded to 40 s.
        """
        self._given = max(self._given, self._begin)
        waiting = self._end - self._given
        most, part = min(self._bytes(_WHOLE_MS), _PIECE_BYTES), min(self._bytes(_PIECE_MS), _PIECE_BYTES // 2)
        piece = self._read(self._given, waiting if waiting <= most else part)
        self._given += len(piece)
        return piece

    def _replay_from(self) -> int:
        earliest = self._given - self._replay
        if self._open:
            first = self._at(self._open_base, _field(self._open[0], "start"))
            return max(earliest, first - self._bytes(_BEFORE_MS))
        position = self._begin
        for audio in self._kept:
            if position >= self._given:
                break
            if self._voiced(audio):
                return max(earliest, position - self._bytes(_BEFORE_MS))
            position += len(audio)
        return self._given

    def _voiced(self, audio: bytes) -> bool:
        if self._sample == 1:
            return True
        return loudness_db(np.frombuffer(audio[: len(audio) // 2 * 2], "<i2")) > _VOICE_DB

    def _read(self, position: int, length: int) -> bytes:
        found, at = bytearray(), self._begin
        for audio in self._kept:
            if at + len(audio) > position:
                found += audio[max(0, position - at) : max(0, position + length - at)]
                if len(found) >= length:
                    break
            at += len(audio)
        return bytes(found)

    def _drop_before(self, position: int) -> None:
        while self._kept and self._begin + len(self._kept[0]) <= min(position, self._given):
            self._begin += len(self._kept.popleft())

    def _at(self, base: int, session_ms: object) -> int:
        """The position of a time in the audio of the session that began at ``base``."""
        ms = session_ms if isinstance(session_ms, (int, float)) else 0
        return base + self._bytes(max(0, min(int(ms), self._ms(self._given - base))))

    def _bytes(self, ms: int) -> int:
        return ms * self._per_s // 1000 // max(1, self._sample) * self._sample

    def _ms(self, length: int) -> int:
        return length * 1000 // self._per_s if self._per_s else 0


def _field(word: object, name: str) -> Any:
    return word.get(name) if isinstance(word, dict) else None
