"""What a general engine is: the interface that docs/recognisers.md describes, for ours and for a user's own.

An engine lives in a worker process of its own and is asked one thing at a time, so it may take its time and need
not be safe for threads. It needs nothing of this module: any classes with these methods will do.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Protocol

from simulator.audio import Samples

SAMPLE_RATE: Final = 16_000


class Word(NamedTuple):
    """A word as written, when it sounded in ms of its utterance, and how sure the engine is (0 to 1).

    A plain tuple of the four will do.
    """

    text: str
    start_ms: float
    end_ms: float
    confidence: float


class EngineStream(Protocol):
    """One utterance. It is forgotten after `finish`, or without it where nobody wants the words any more."""

    def hear(self, samples: Samples) -> Iterable[Word]:
        """More of it: mono int16 at 16 kHz, of any length, each sample once. The words of all of it so far."""
        ...

    def finish(self) -> Iterable[Word]:
        """The words of the whole utterance."""
        ...


class Engine(Protocol):
    """Made once, with the folder of its model as the only argument ("" where none was set).

    It may say of itself, as attributes: `name`; `rough`, whether its words are guesses; `languages`, the codes
    that it knows, where it does not know all; `keyterms`, whether words to expect change what it hears.
    """

    def open(self, language: str, keyterms: Sequence[str]) -> EngineStream:
        """A new utterance, in a language such as "en" ("" where none was set). Several may be open at once.

        Raises any exception to refuse it; its text is shown.
        """
        ...


@dataclass(frozen=True, slots=True)
class EngineFacts:
    """What an engine says of itself."""

    name: str
    rough: bool = False
    languages: tuple[str, ...] = ()
    """The codes that it knows; empty for all."""
    keyterms: bool = False

    def ignored(self, keyterms: Sequence[str], language: str) -> dict[str, str]:
        """Which of `keyterms` and `language` change nothing with this engine, and why."""
        ignored: dict[str, str] = {}
        if keyterms and not self.keyterms:
            ignored["keyterms"] = f"{self.name} cannot be told which words to expect."
        if language and self.languages and base_language(language) not in self.languages:
            known = "English" if self.languages == ("en",) else ", ".join(self.languages)
            ignored["language"] = f"{self.name} knows {known} only."
        return ignored


def facts_of(engine: Any, name: str) -> EngineFacts:
    """What `engine` says of itself, under `name` where it gives none. Raises TypeError for what cannot be."""
    languages = getattr(engine, "languages", ())
    if isinstance(languages, str) or not all(isinstance(code, str) for code in languages):
        raise TypeError("languages must be a list of codes such as ['en', 'de']")
    return EngineFacts(
        str(getattr(engine, "name", name))[:80],
        bool(getattr(engine, "rough", False)),
        tuple(base_language(code) for code in languages),
        bool(getattr(engine, "keyterms", False)),
    )


def base_language(code: str) -> str:
    """The language of a code such as "en-US", as "en"."""
    return code.replace("_", "-").partition("-")[0].lower()
