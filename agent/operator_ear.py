"""Speech recognition of an operator's voice: a session of AssemblyAI's v3 of our own, finals only."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlencode

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from agent.assemblyai_upstream import Failure, Upstream, hear
from agent.definition import Listening
from agent.stt_parameters import family

_PIECE_MS: Final = 60
"""AssemblyAI takes messages of 50 to 1000 ms, and closes on shorter ones after a second."""
_PAUSE_NS: Final = 200_000_000
"""Audio that comes so much later than the audio before it would have it follows a pause of the microphone."""
_KEEP_MS: Final = 10_000
"""So much is kept while the session opens, which takes 1.3 s live."""
_LAST_WORDS_S: Final = 2.5
"""How long a session that is asked to end may take; live it takes 0.6 s, or 1.2 s with an open turn."""
_TERMINATE: Final = '{"type":"Terminate"}'
_FORCE: Final = '{"type":"ForceEndpoint"}'


def session_query(listening: Listening, rate: int) -> str:
    """A session of the definition's model that hears int16 at ``rate`` hertz.

    What the definition says of the caller's turns does not count here.
    """
    asked: dict[str, Any] = {"speech_model": listening.model, "encoding": "pcm_s16le", "sample_rate": rate}
    if listening.keyterms:
        asked["keyterms_prompt"] = json.dumps(listening.keyterms, ensure_ascii=False)
    if family(listening.model) == "streaming":
        asked["format_turns"] = "true"
    elif listening.language_codes:
        asked["language_codes"] = json.dumps(listening.language_codes)
    return urlencode(asked)


class OperatorEar:
    """One session, opened at once. ``heard`` is given each turn's final text and when its last word was said, in
    monotonic nanoseconds; ``failed`` is called once at most.

    Nothing that happens to it raises.
    """

    def __init__(
        self,
        upstream: Upstream,
        listening: Listening,
        rate: int,
        heard: Callable[[str, int], object],
        failed: Callable[[Failure], object],
    ) -> None:
        self._heard, self._failed = heard, failed
        self._formatted = family(listening.model) == "streaming"
        self._piece = rate * _PIECE_MS // 1000 * 2
        self._most = rate * _KEEP_MS // 1000 * 2
        self._bytes_per_ms = rate // 1000 * 2
        self._taken_ms = 0.0
        self._clock: deque[tuple[float, int]] = deque(maxlen=1000)
        """Positions in the audio, and when they came: one for each pause of the microphone."""
        self._waiting = bytearray()
        self._arrived = asyncio.Event()
        self._ending = False
        self._task = asyncio.create_task(self._run(upstream, session_query(listening, rate)), name="operator-ear")

    @property
    def over(self) -> bool:
        return self._task.done()

    def hear(self, audio: bytes | memoryview) -> None:
        """Take int16 little-endian samples; the oldest are lost where the service is slower than speech."""
        now = time.monotonic_ns()
        if not self._clock or now - self._time_of(self._taken_ms) > _PAUSE_NS:
            self._clock.append((self._taken_ms, now))
        self._taken_ms += len(audio) / self._bytes_per_ms
        self._waiting += audio
        del self._waiting[: max(0, len(self._waiting) - self._most)]
        self._arrived.set()

    async def finish(self) -> None:
        """Hear what was said so far to its end and close; that takes two and a half seconds at most."""
        self._ending = True
        self._arrived.set()
        await asyncio.wait([self._task], timeout=_LAST_WORDS_S)
        self._task.cancel()

    async def _run(self, upstream: Upstream, query: str) -> None:
        try:
            session = await upstream.open(query, {})
        except Failure as failure:
            self._failed(failure)
            return
        speaking = asyncio.create_task(self._speak(session))
        try:
            failure = await hear(session, self._take)
            if failure is not None and not (self._ending and failure.code == 1000):
                self._failed(failure)
        except Exception as error:
            self._failed(Failure(1011, f"{type(error).__name__}: {error}"))
        finally:
            speaking.cancel()
            await session.close()

    async def _speak(self, session: ClientConnection) -> None:
        with contextlib.suppress(ConnectionClosed):
            while not self._ending:
                await self._arrived.wait()
                self._arrived.clear()
                await self._send(session)
            if self._waiting:
                self._waiting += bytes(self._piece - len(self._waiting) % self._piece)
                await self._send(session)
            await session.send(_FORCE)
            await session.send(_TERMINATE)

    async def _send(self, session: ClientConnection) -> None:
        while len(self._waiting) >= self._piece:
            piece = bytes(self._waiting[: self._piece])
            del self._waiting[: self._piece]
            await session.send(piece)

    async def _take(self, _data: str | bytes, message: dict[str, Any] | None) -> None:
        if message is None or message.get("type") != "Turn" or not message.get("end_of_turn"):
            return
        text = str(message.get("transcript") or "").strip()
        # Universal-Streaming tells a turn's end twice, the second time with punctuation.
        if text and (message.get("turn_is_formatted") or not self._formatted):
            self._heard(text, self._time_of(_last_word_ms(message)))

    def _time_of(self, audio_ms: float) -> int:
        """When the audio at that position came."""
        before = next((point for point in reversed(self._clock) if point[0] <= audio_ms), None)
        if before is None:
            return time.monotonic_ns()
        return before[1] + round((audio_ms - before[0]) * 1_000_000)


def _last_word_ms(message: dict[str, Any]) -> float:
    """Where a Turn's last word ends in the session's audio; it has ended by now where that is not told."""
    words = message.get("words")
    last = words[-1] if isinstance(words, list) and words else None
    end = last.get("end") if isinstance(last, dict) else None
    return float(end) if isinstance(end, (int, float)) else -1.0
