"""A menu that is worked by keys: speaks what can be chosen, reacts to keys that the application sends."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final

from simulator.audio import FRAME_MS, Samples
from simulator.caller.hearing import is_voiced
from simulator.caller.party import HANG_UP, SILENCE, Said, cut
from simulator.caller.speaking_machine import SpeakingMachine
from simulator.caller.tones import Pause, Speech
from simulator.speech.services import SpeechServices
from simulator.telnyx.media.options import Codec

BACK: Final = "*"
REPEAT: Final = "9"
_INVALID: Final = "Sorry, that is not one of the choices."
_GOODBYE: Final = "We did not get your choice. Goodbye."
_MAX_KEYS: Final = 200
_BREATH_MS: Final = 400


@dataclass(frozen=True, slots=True)
class Menu:
    """`choices` by key: a menu below this one, or what is said before the machine hangs up.

    `*` leads back from a menu below and `9` says the prompt again, unless they are choices. After `wait_ms`
    without a key, or a key that is no choice, the prompt is said again, `tries` times in all.
    """

    prompt: str
    choices: Mapping[str, Menu | str]
    wait_ms: int = 5000
    tries: int = 3

    def texts(self) -> Iterator[str]:
        yield self.prompt
        for choice in self.choices.values():
            if isinstance(choice, Menu):
                yield from choice.texts()
            else:
                yield choice


class MenuParty(SpeakingMachine):
    def __init__(self, menu: Menu, speech: SpeechServices, codec: Codec = "PCMU") -> None:
        super().__init__(speech, codec)
        self._texts: dict[str, list[Said]] = {}
        self._path = [menu]
        self._keys: list[str] = []
        self._said: list[str] = []
        self._playing: Iterator[Said] = iter(())
        self._waited = 0
        self._tries = 1
        self._leaving = False
        self._voiced = 0

    async def prepare(self) -> None:
        texts = dict.fromkeys((*self._path[0].texts(), _INVALID, _GOODBYE))
        await self._voice.learn(Speech(text) for text in texts)
        for text in texts:
            rendered = await self._voice.render((Pause(_BREATH_MS), Speech(text)))
            self._texts[text] = cut(rendered.samples, self.rate)
        self.greeting_end_ms = len(self._texts[self._path[0].prompt]) * FRAME_MS
        self._say(self._path[0].prompt)

    def prepared(self) -> Iterable[Said]:
        return chain.from_iterable(self._texts.values())

    def tick(self, heard: Samples | None) -> Said:
        if heard is not None:
            self._voiced += is_voiced(heard)
        if self._done:
            return SILENCE
        said = next(self._playing, None)
        if said is not None:
            return said
        if self._leaving:
            self._done = True
            return HANG_UP
        self._waited += 1
        if self._waited * FRAME_MS >= self._path[-1].wait_ms:
            self._again(())
        return SILENCE

    def press(self, digit: str) -> None:
        """A key stops what is being said, as on a real menu."""
        if len(self._keys) < _MAX_KEYS:
            self._keys.append(digit)
        if self._leaving or self._done:
            return
        menu = self._path[-1]
        choice = menu.choices.get(digit)
        if isinstance(choice, Menu):
            self._path.append(choice)
            self._enter()
        elif choice is not None:
            self._leave(choice)
        elif digit == BACK and len(self._path) > 1:
            self._path.pop()
            self._enter()
        elif digit == REPEAT:
            self._enter()
        else:
            self._again((_INVALID,))

    def close(self) -> None:
        super().close()
        self._texts = {}
        self._playing = iter(())

    def report(self) -> dict[str, Any]:
        """`keys_heard` and `said`, what the menu began to say, in order."""
        return {
            "lines": [],
            "heard_ms": self._voiced * FRAME_MS,
            "keys_heard": "".join(self._keys),
            "said": list(self._said),
        }

    def _enter(self) -> None:
        self._tries = 1
        self._say(self._path[-1].prompt)

    def _again(self, before: tuple[str, ...]) -> None:
        self._tries += 1
        if self._tries > self._path[-1].tries:
            self._leave(_GOODBYE)
        else:
            self._say(*before, self._path[-1].prompt)

    def _leave(self, text: str) -> None:
        self._leaving = True
        self._say(text)

    def _say(self, *texts: str) -> None:
        if len(self._said) < _MAX_KEYS:
            self._said.extend(texts)
        self._waited = 0
        self._playing = iter([said for text in texts for said in self._texts[text]])
