"""Turns and latencies of one call, computed from the line and the tap, whatever framework runs the agent.

A framework's adapter reports what happens; this turns it into ``turn.*``, ``llm.*`` and ``tts.*`` events. Times
are monotonic nanoseconds. An *answer* is all that the agent says between two turns of the caller; answer 0 is
the greeting.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, Protocol

from agent import events
from agent.events import Event

Emit = Callable[[Event], object]
_MS_PER_CHARACTER = 65.0
_MS = 1_000_000
_NEVER = 2**63


class Playback(Protocol):
    """What the line knows of the audio that it was given; positions count from the start of the stream."""

    @property
    def sent_ms(self) -> float: ...
    def played_ms(self, now: int) -> float: ...


@dataclass(slots=True)
class _Answer:
    turn: int
    texts: list[str] = field(default_factory=list)
    tts_asked: int = 0
    first_token: int = 0
    first_audio: int = 0
    first_media: int = 0
    begins_at_ms: float = 0.0
    audio_ms: float = 0.0
    complete: bool = False

    @property
    def text(self) -> str:
        return " ".join(text.strip() for text in self.texts)


class Turns:
    """Keeps the turns of one call and emits what becomes of them."""

    def __init__(self, emit: Emit, playback: Playback) -> None:
        self._emit = emit
        self._playback = playback
        self._turn = 0
        self._in_turn = False
        self._answer = _Answer(0)
        self._spoke_last = 0
        self._declared = 0
        self._llm_asked = 0
        self._llm_text: list[str] = []
        self._ms_per_character = _MS_PER_CHARACTER
        self._since = 0
        """Reports of earlier than this are of an answer that an operator cut off; while silenced, all are."""
        self.last_heard: str | None = None
        """What the caller heard of the last answer that was cut off."""

    @property
    def turn(self) -> int:
        """The number of the caller's turn that is open or was last."""
        return self._turn

    @property
    def speaking(self) -> bool:
        """Whether an answer has reached the line and is not over."""
        return bool(self._answer.first_media)

    @property
    def user_speaking(self) -> bool:
        """Whether the caller's turn is open."""
        return self._in_turn

    def waiting_for_audio(self, now: int, seconds: float) -> bool:
        """Whether text went to the TTS that long ago and no audio of the answer has come."""
        answer = self._answer
        return bool(answer.tts_asked and not answer.first_audio and now - answer.tts_asked >= seconds * 1e9 * 0.9)

    def user_started(self) -> None:
        if self._in_turn:
            return
        self._in_turn = True
        self._turn += 1
        self._emit(events.TurnUserStarted(turn=self._turn))

    def user_stopped(
        self, text: str, *, decided_by: str, declared: int, last_voiced: int, confidence: float | None = None
    ) -> None:
        """The caller's turn is over: ``declared`` is when, ``last_voiced`` when the line last had speech."""
        if not self._in_turn:
            self.user_started()
        self._in_turn = False
        self._finish_answer()
        self._spoke_last = min(last_voiced, declared) if last_voiced else declared
        # A turn that nobody answers before an operator lets the agent speak says nothing of its speed.
        self._declared = 0 if self._silenced else declared
        self._answer = _Answer(self._turn)
        silence = (declared - self._spoke_last) // _MS
        self._emit(
            events.TurnUserStopped(
                turn=self._turn, text=text, decided_by=decided_by, silence_ms=silence, confidence=confidence
            )
        )

    def llm_asked(self, now: int, model: str, messages: int) -> None:
        self._llm_asked, self._llm_text = now, []
        self._emit(events.LlmRequest(turn=self._turn, model=model, messages=messages))

    def llm_token(self, now: int, text: str) -> None:
        if not self._llm_text:
            self._emit(events.LlmFirstToken(turn=self._turn, took_ms=(now - self._llm_asked) // _MS))
            if not self._answer.first_token and now >= self._since:
                self._answer.first_token = now
        self._llm_text.append(text)

    def llm_done(self, now: int, prompt_tokens: int | None, completion_tokens: int | None) -> None:
        self._emit(
            events.LlmDone(
                turn=self._turn,
                text="".join(self._llm_text),
                took_ms=(now - self._llm_asked) // _MS,
                prompt_tokens=prompt_tokens,
                completion_tokens=completion_tokens,
            )
        )

    def tts_asked(self, now: int, text: str) -> None:
        """A piece of the answer goes to the TTS."""
        if now < self._since:
            return
        answer = self._answer
        answer.texts.append(text)
        answer.complete = False
        answer.tts_asked = answer.tts_asked or now
        answer.first_token = answer.first_token or now
        self._emit(events.TtsRequest(turn=answer.turn, text=text.strip()))

    def tts_audio(self, now: int, duration_ms: float) -> None:
        """Audio came from the TTS."""
        if now < self._since:
            return
        answer = self._answer
        if not answer.first_audio:
            answer.first_audio = now
            took = (now - answer.tts_asked) // _MS if answer.tts_asked else 0
            self._emit(events.TtsFirstAudio(turn=answer.turn, took_ms=took))
        answer.audio_ms += duration_ms
        self._latency()

    def tts_done(self) -> None:
        """All audio of what was asked so far has come."""
        answer = self._answer
        if answer.complete or not answer.first_audio:
            return
        answer.complete = True
        characters = len(answer.text)
        if characters:
            self._ms_per_character = answer.audio_ms / characters
        self._emit(events.TtsDone(turn=answer.turn, audio_ms=round(answer.audio_ms)))

    def media_sent(self, now: int) -> None:
        """A frame of the answer goes to the line, before the line counts it; only the first one matters."""
        answer = self._answer
        if answer.first_media:
            return
        answer.first_media = now
        answer.begins_at_ms = self._playback.sent_ms
        self._emit(events.TurnAgentStarted(turn=answer.turn))
        self._latency()

    def silenced(self, now: int) -> None:
        """An operator silences the agent; call it before the line's audio is cleared."""
        self.interrupted(now, by="operator")
        self._answer = _Answer(self._turn)
        self._declared, self._since = 0, _NEVER

    def let_speak(self, now: int) -> None:
        """What the agent says from now on counts again."""
        self._since = now

    @property
    def _silenced(self) -> bool:
        return self._since == _NEVER

    def interrupted(self, now: int, by: Literal["caller", "operator"] = "caller") -> None:
        """Somebody cut in; call it before the line's audio is cleared."""
        answer = self._answer
        if not answer.texts:
            return
        heard_ms = max(0.0, self._playback.played_ms(now) - answer.begins_at_ms) if answer.first_media else 0.0
        said = answer.text
        self.last_heard = heard = self._heard(said, heard_ms)
        self._emit(
            events.TurnInterrupted(turn=answer.turn, said=said, heard=heard, heard_ms=round(heard_ms), by=by)
        )
        self._answer = _Answer(answer.turn)

    def agent_stopped(self) -> None:
        """The answer, as far as it was generated, was played."""
        self._finish_answer()

    def _finish_answer(self) -> None:
        answer = self._answer
        if not answer.first_media:
            return
        self._emit(events.TurnAgentStopped(turn=answer.turn, text=answer.text, audio_ms=round(answer.audio_ms)))
        self._answer = _Answer(answer.turn)

    def _latency(self) -> None:
        """Tell the latency once all its points are known; the reports of two sources may cross."""
        answer = self._answer
        if not (answer.turn and self._declared and answer.first_audio and answer.first_media):
            return
        points = [
            self._spoke_last,
            self._declared,
            answer.first_token,
            answer.first_audio,
            answer.first_media,
        ]
        for i in range(1, len(points)):
            points[i] = max(points[i], points[i - 1])
        whole = [(point - points[0]) // _MS for point in points]
        names = ("end_of_turn", "llm_first_token", "tts_first_audio", "first_media")
        parts = {name: whole[i + 1] - whole[i] for i, name in enumerate(names)}
        self._emit(events.TurnLatency(turn=answer.turn, total_ms=whole[-1], parts=parts))
        self._declared = 0

    def _heard(self, said: str, heard_ms: float) -> str:
        """The words of ``said`` that fit whole into ``heard_ms`` of its audio.

        The TTS gives no word times, so the audio is shared out over the characters: by its real length when
        all of it has come, else by the pace of this call's answers so far.
        """
        answer = self._answer
        pace = answer.audio_ms / max(1, len(said)) if answer.complete else 0.0
        if not answer.complete:
            pace = max(self._ms_per_character, answer.audio_ms / max(1, len(said)))
        reached = int(heard_ms / max(1.0, pace))
        if reached >= len(said):
            return said
        cut = said.rfind(" ", 0, reached + 1)
        return said[:cut] if cut > 0 else ""
