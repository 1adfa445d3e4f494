"""From what was recognised to the messages of a turn, in the way of either model family."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import takewhile
from typing import Final, Protocol

import msgspec

from simulator.assemblyai.protocol import Heard, ServerMessage, SpeechStarted, Turn, Word
from simulator.assemblyai.settings import Settings
from simulator.speech.utterance import HeardWord, Hypothesis

LANGUAGE: Final = ("en", 0.99)
"""What finals say of the language: the recognisers at hand know English only."""
SETTLED_MS: Final = 600
"""After so long a recogniser is taken by its word, and by so much it may move one."""
_PROFANE: Final = re.compile(r"\b(?:bullshit|shit(?:ty)?|fuck(?:ed|ing|er)?|bitch|bastard|asshole|cunt)\b", re.I)


class Turns(Protocol):
    """The messages of one session's turns, numbered from 0. `confidence` is that the turn is over."""

    def partial(self, hypothesis: Hypothesis, confidence: float, heard: Heard) -> list[ServerMessage]:
        """The turn so far; nothing when there are no words, or nothing is new."""
        ...

    def pause(self, hypothesis: Hypothesis, confidence: float, heard: Heard) -> list[ServerMessage]:
        """The turn so far, in a pause that may yet end it."""
        ...

    def final(self, hypothesis: Hypothesis, confidence: float, heard: Heard) -> list[ServerMessage]:
        """The end of the turn; nothing when it never had words."""
        ...

    def termination(self, heard: Heard) -> list[ServerMessage]:
        """What comes after the last turn and before Termination."""
        ...


class U3Turns:
    """Each message repeats the whole turn; words are final in the final message only."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._order = 0
        self._told: tuple[str, float] | None = None

    def partial(self, hypothesis: Hypothesis, confidence: float, heard: Heard) -> list[ServerMessage]:
        if not hypothesis.words or (hypothesis.transcript, confidence) == self._told:
            return []
        messages = self._started(hypothesis)
        self._told = hypothesis.transcript, confidence
        if self._settings["include_partial_turns"]:
            messages.append(self._turn(hypothesis, confidence, heard, final=False))
        return messages

    pause = partial

    def final(self, hypothesis: Hypothesis, confidence: float, heard: Heard) -> list[ServerMessage]:
        if not hypothesis.words:
            return []
        messages = [*self._started(hypothesis), self._turn(hypothesis, 1.0, heard, final=True)]
        self._order += 1
        self._told = None
        return messages

    def termination(self, heard: Heard) -> list[ServerMessage]:
        return []

    def _started(self, hypothesis: Hypothesis) -> list[ServerMessage]:
        if self._told is not None:
            return []
        mean = sum(word.confidence for word in hypothesis.words) / len(hypothesis.words)
        return [SpeechStarted(hypothesis.words[0].start_ms, round(mean, 6))]

    def _turn(self, hypothesis: Hypothesis, confidence: float, heard: Heard, *, final: bool) -> Turn:
        if final:
            hypothesis = _masked(hypothesis, self._settings)
        turn = Turn(
            turn_order=self._order,
            turn_is_formatted=True,
            end_of_turn=final,
            transcript=hypothesis.transcript,
            end_of_turn_confidence=confidence,
            words=tuple(_word(word, final) for word in hypothesis.words),
            utterance=hypothesis.transcript if final else "",
            simulator=heard,
        )
        return _with_language(turn, self._settings) if final else turn


class StreamingTurns:
    """Plain words, each final and immutable once another follows it and either the next look at the audio had it
    too or it is some time ago; one unfinished word follows them. Then a raw end of turn, and a formatted one if
    asked."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._order = 0
        self._begin()

    def partial(self, hypothesis: Hypothesis, confidence: float, heard: Heard) -> list[ServerMessage]:
        fresh = self._fresh(hypothesis)
        # The same look twice confirms nothing.
        before = [] if hypothesis == self._seen else self._before
        agreed = sum(
            1 for _ in takewhile(lambda pair: pair[0].text == pair[1].text, zip(fresh, before, strict=False))
        )
        settled_ms = heard.audio_ms - SETTLED_MS
        sure = 0
        while sure < len(fresh) - 1 and (sure < agreed or fresh[sure].end_ms <= settled_ms):
            sure += 1
        self._final += fresh[:sure]
        self._seen, self._before = hypothesis, fresh[sure:]
        return self._unfinished(self._before[:1], confidence, heard)

    def pause(self, hypothesis: Hypothesis, confidence: float, heard: Heard) -> list[ServerMessage]:
        self._final += self._fresh(hypothesis)
        self._seen, self._before = hypothesis, []
        if not self._settings["include_partial_turns"]:
            return []
        utterance, self._uttered = _joined(self._final[self._uttered :]), len(self._final)
        return self._unfinished([], confidence, heard, utterance)

    def final(self, hypothesis: Hypothesis, confidence: float, heard: Heard) -> list[ServerMessage]:
        self._final += self._fresh(hypothesis)
        if not self._final:
            return []
        raw = _masked(Hypothesis(tuple(self._final)), self._settings)
        turn = Turn(
            turn_order=self._order,
            turn_is_formatted=False,
            end_of_turn=True,
            transcript=raw.transcript,
            end_of_turn_confidence=confidence,
            words=tuple(_word(word, final=True) for word in raw.words),
            utterance=_joined(raw.words[self._uttered :]),
            simulator=heard,
        )
        messages: list[ServerMessage] = [_with_language(turn, self._settings)]
        if self._settings["format_turns"]:
            formatted = _masked(hypothesis, self._settings)
            turn = Turn(
                turn_order=self._order,
                turn_is_formatted=True,
                end_of_turn=True,
                transcript=formatted.transcript,
                end_of_turn_confidence=confidence,
                words=tuple(_word(word, final=True) for word in formatted.words),
                utterance="",
                simulator=heard,
            )
            messages.append(_with_language(turn, self._settings))
        self._order += 1
        self._begin()
        return messages

    def termination(self, heard: Heard) -> list[ServerMessage]:
        """These models end a session with an empty end of turn."""
        formatted = self._settings["format_turns"]
        return [Turn(self._order, formatted, True, "", 0.0, (), "", heard)]

    def _begin(self) -> None:
        self._final: list[HeardWord] = []
        self._before: list[HeardWord] = []
        """Of the last look, `_seen`, what was not final then."""
        self._seen = Hypothesis()
        self._uttered = 0
        self._told: tuple[int, str, float] | None = None

    def _fresh(self, hypothesis: Hypothesis) -> list[HeardWord]:
        """The words that follow those which are final, in lower case and without marks. A recogniser may change
        its mind and times about those: its own last of them is looked for first."""
        plain = [replace(word, text=word.text.strip(".,?!;:…").lower()) for word in hypothesis.words]
        plain = [word for word in plain if word.text]
        if not self._final:
            return plain
        last = self._final[-1]
        moved = {
            index: abs(word.end_ms - last.end_ms) for index, word in enumerate(plain) if word.text == last.text
        }
        nearest = min(moved, key=moved.__getitem__, default=-1)
        if moved.get(nearest, SETTLED_MS) < SETTLED_MS:
            return plain[nearest + 1 :]
        return [word for word in plain if word.start_ms + word.end_ms > 2 * last.end_ms]

    def _unfinished(
        self, following: list[HeardWord], confidence: float, heard: Heard, utterance: str = ""
    ) -> list[ServerMessage]:
        words = [*self._final, *following]
        told = len(self._final), _joined(following), confidence
        if not words or (told == self._told and not utterance) or not self._settings["include_partial_turns"]:
            return []
        self._told = told
        turn = Turn(
            turn_order=self._order,
            turn_is_formatted=False,
            end_of_turn=False,
            transcript=_joined(self._final),
            end_of_turn_confidence=confidence,
            words=(
                *(_word(word, final=True) for word in self._final),
                *(_word(word, False) for word in following),
            ),
            utterance=utterance,
            simulator=heard,
        )
        return [_with_language(turn, self._settings) if utterance else turn]


def _joined(words: list[HeardWord] | tuple[HeardWord, ...]) -> str:
    return " ".join(word.text for word in words)


def _masked(hypothesis: Hypothesis, settings: Settings) -> Hypothesis:
    if not settings["filter_profanity"]:
        return hypothesis
    return replace(
        hypothesis, words=tuple(replace(word, text=_PROFANE.sub("***", word.text)) for word in hypothesis.words)
    )


def _with_language(turn: Turn, settings: Settings) -> Turn:
    if not settings.names_language:
        return turn
    code, confidence = LANGUAGE
    return msgspec.structs.replace(turn, language_code=code, language_confidence=confidence)


def _word(word: HeardWord, final: bool) -> Word:
    return Word(word.start_ms, word.end_ms, word.text, round(word.confidence, 6), final)
