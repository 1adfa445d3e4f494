"""From what was recognised to the messages of a turn, in the way of either model family."""

from __future__ import annotations

from typing import Final, Protocol

from msgspec import UNSET

from simulator.assemblyai.parameters import Settings
from simulator.assemblyai.protocol import ServerMessage, SpeechStarted, Turn, Word
from simulator.speech.utterance import HeardWord, Hypothesis

_MARKS: Final = ".,?!;:…"
_SURE: Final = 0.72
_UNSURE: Final = 0.2


def sounds_complete(hypothesis: Hypothesis) -> bool:
    """Whether the transcript ends like a sentence."""
    return hypothesis.transcript.rstrip("\"'”’)").endswith((".", "?", "!"))


class Turns(Protocol):
    """The messages of one session's turns, numbered from 0."""

    def partial(self, hypothesis: Hypothesis, confidence: float) -> list[ServerMessage]:
        """The turn so far; nothing when there are no words, or none that are new."""
        ...

    def ends_at_pause(self, hypothesis: Hypothesis) -> bool:
        """Whether a pause of `min_turn_silence` after these words ends the turn."""
        ...

    def final(self, hypothesis: Hypothesis) -> list[ServerMessage]:
        """The end of the turn; nothing when there are no words."""
        ...

    def termination(self) -> list[ServerMessage]:
        """What comes after the last turn and before Termination."""
        ...


class U3Turns:
    """Each message repeats the whole turn; words are final in the final message only."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._order = 0
        self._sent: tuple[str, float] | None = None

    def partial(self, hypothesis: Hypothesis, confidence: float) -> list[ServerMessage]:
        said = hypothesis.transcript, confidence
        if not hypothesis.words or said == self._sent or not self._settings["include_partial_turns"]:
            return []
        return [*self._speech_started(hypothesis), self._turn(hypothesis, confidence, final=False)]

    def ends_at_pause(self, hypothesis: Hypothesis) -> bool:
        return sounds_complete(hypothesis)

    def final(self, hypothesis: Hypothesis) -> list[ServerMessage]:
        if not hypothesis.words:
            return []
        messages = [*self._speech_started(hypothesis), self._turn(hypothesis, 1.0, final=True)]
        self._order += 1
        self._sent = None
        return messages

    def termination(self) -> list[ServerMessage]:
        return []

    def _speech_started(self, hypothesis: Hypothesis) -> list[ServerMessage]:
        if self._sent is not None:
            return []
        mean = sum(word.confidence for word in hypothesis.words) / len(hypothesis.words)
        return [SpeechStarted(hypothesis.words[0].start_ms, round(mean, 6))]

    def _turn(self, hypothesis: Hypothesis, confidence: float, *, final: bool) -> Turn:
        self._sent = hypothesis.transcript, confidence
        detected = final and self._settings["language_detection"]
        return Turn(
            turn_order=self._order,
            turn_is_formatted=True,
            end_of_turn=final,
            transcript=hypothesis.transcript,
            end_of_turn_confidence=confidence,
            words=tuple(_word(word, word.text, final) for word in hypothesis.words),
            utterance=hypothesis.transcript if final else "",
            recogniser=hypothesis.engine,
            language_code="en" if detected else UNSET,
            language_confidence=0.99 if detected else UNSET,
        )


class StreamingTurns:
    """Plain words as they come, the last one not final; then a raw end of turn, and a formatted one if asked."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._order = 0
        self._sent: tuple[str, ...] = ()

    def partial(self, hypothesis: Hypothesis, confidence: float) -> list[ServerMessage]:
        words = _plain(hypothesis)
        texts = tuple(text for _, text in words)
        if not words or texts == self._sent or not self._settings["include_partial_turns"]:
            return []
        self._sent = texts
        finished = tuple(_word(word, text, final=True) for word, text in words[:-1])
        last = _word(*words[-1], final=False)
        return [
            Turn(
                turn_order=self._order,
                turn_is_formatted=False,
                end_of_turn=False,
                transcript=" ".join(texts[:-1]),
                end_of_turn_confidence=confidence,
                words=(*finished, last),
                utterance="",
                recogniser=hypothesis.engine,
            )
        ]

    def ends_at_pause(self, hypothesis: Hypothesis) -> bool:
        return self._confidence(hypothesis) > self._settings["end_of_turn_confidence_threshold"]

    def final(self, hypothesis: Hypothesis) -> list[ServerMessage]:
        words = _plain(hypothesis)
        if not words:
            return []
        confidence = self._confidence(hypothesis)
        raw = " ".join(text for _, text in words)
        turn = Turn(
            turn_order=self._order,
            turn_is_formatted=False,
            end_of_turn=True,
            transcript=raw,
            end_of_turn_confidence=confidence,
            words=tuple(_word(word, text, final=True) for word, text in words),
            utterance=raw,
            recogniser=hypothesis.engine,
        )
        messages: list[ServerMessage] = [turn]
        if self._settings["format_turns"]:
            messages.append(
                Turn(
                    turn_order=self._order,
                    turn_is_formatted=True,
                    end_of_turn=True,
                    transcript=hypothesis.transcript,
                    end_of_turn_confidence=confidence,
                    words=tuple(_word(word, word.text, final=True) for word in hypothesis.words),
                    utterance="",
                    recogniser=hypothesis.engine,
                )
            )
        self._order += 1
        self._sent = ()
        return messages

    def termination(self) -> list[ServerMessage]:
        """These models end a session with an empty end of turn."""
        return [
            Turn(
                turn_order=self._order,
                turn_is_formatted=self._settings["format_turns"],
                end_of_turn=True,
                transcript="",
                end_of_turn_confidence=0.0,
                words=(),
                utterance="",
                recogniser="script",
            )
        ]

    def _confidence(self, hypothesis: Hypothesis) -> float:
        return _SURE if sounds_complete(hypothesis) else _UNSURE


def _plain(hypothesis: Hypothesis) -> list[tuple[HeardWord, str]]:
    """The words in lower case and without marks, less those that are nothing but marks."""
    pairs = ((word, word.text.strip(_MARKS).lower()) for word in hypothesis.words)
    return [(word, text) for word, text in pairs if text]


def _word(word: HeardWord, text: str, final: bool) -> Word:
    return Word(word.start_ms, word.end_ms, text, round(word.confidence, 6), final)
