"""What is played to the caller, once or again and again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from simulator.telnyx.texml.port import TexmlLeg
from simulator.telnyx.texml.verbs import Pause, Play, Prompt, Say

Sleep = Callable[[float], Awaitable[None]]

_SHORTEST_SECONDS: Final = 0.02


async def play(leg: TexmlLeg, prompt: Prompt, sleep: Sleep) -> None:
    match prompt:
        case Pause():
            await sleep(prompt.seconds)
        case Say():
            await _repeat(prompt.times, lambda: leg.speak(prompt.text, prompt.voice, prompt.language))
        case Play():
            await _repeat(prompt.times, lambda: leg.play(prompt.url))
        case _:

            async def press() -> bool:
                await leg.send_digits(prompt.digits)
                return True

            await _repeat(prompt.times, press)


async def _repeat(times: int, once: Callable[[], Awaitable[bool]]) -> None:
    """`times` 0: until cancelled or stopped, or until nothing could be played."""
    for _ in range(times):
        if not await once():
            return
    clock = asyncio.get_running_loop().time
    while times == 0:
        began = clock()
        # What took no time was not played; to go on would keep the loop from everything else.
        if not await once() or clock() - began < _SHORTEST_SECONDS:
            return
