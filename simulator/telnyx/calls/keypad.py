"""Keys pressed on a leg's telephone, and who waits for them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from simulator.telnyx.call_rules import GatherRules
from simulator.telnyx.happenings import GatherEnded, GatherStatus

_MAX_WAITING: Final = 128

Prompt = Callable[[], Awaitable[None]]


class Keypad:
    def __init__(self) -> None:
        self._keys: asyncio.Queue[str] | None = None
        self._cancelled: asyncio.Future[GatherStatus] | None = None

    @property
    def gathering(self) -> bool:
        return self._keys is not None

    def press(self, digit: str) -> None:
        if self._keys is not None and self._keys.qsize() < _MAX_WAITING:
            self._keys.put_nowait(digit)

    def cancel(self, status: GatherStatus) -> None:
        """End the gather that is on, if there is one."""
        if self._cancelled is not None and not self._cancelled.done():
            self._cancelled.set_result(status)

    async def gather(self, rules: GatherRules, prompt: Prompt | None = None) -> GatherEnded:
        """Collect keys; the first one stops `prompt`, during which no time is counted.

        A gather that is on already ends as cancelled.
        """
        self.cancel("cancelled")
        keys: asyncio.Queue[str] = asyncio.Queue()
        cancelled = asyncio.get_running_loop().create_future()
        self._keys, self._cancelled = keys, cancelled
        collected = _Collected(rules)
        collecting = asyncio.ensure_future(self._collect(collected, keys, prompt))
        try:
            await asyncio.wait({collecting, cancelled}, return_when=asyncio.FIRST_COMPLETED)
            if collecting.done():
                return GatherEnded(collected.digits, collecting.result(), rules.gather_id)
            return GatherEnded(collected.digits, cancelled.result(), rules.gather_id)
        finally:
            collecting.cancel()
            if self._keys is keys:
                self._keys = self._cancelled = None

    async def _collect(
        self, collected: _Collected, keys: asyncio.Queue[str], prompt: Prompt | None
    ) -> GatherStatus:
        first = await self._prompted(keys, prompt) if prompt is not None else None
        if first is not None and collected.take(first):
            return collected.status()
        rules = collected.rules
        initial = rules.inter_digit_timeout_ms if rules.initial_timeout_ms is None else rules.initial_timeout_ms
        try:
            async with asyncio.timeout(rules.timeout_ms / 1000):
                while True:
                    patience = rules.inter_digit_timeout_ms if collected.digits else initial
                    async with asyncio.timeout(patience / 1000):
                        key = await keys.get()
                    if collected.take(key):
                        return collected.status()
        except TimeoutError:
            return collected.status() if collected.digits else "timeout"

    async def _prompted(self, keys: asyncio.Queue[str], prompt: Prompt) -> str | None:
        """The key that stopped the prompt, or None when it was heard to its end."""
        prompting = asyncio.ensure_future(prompt())
        pressing = asyncio.ensure_future(keys.get())
        try:
            await asyncio.wait({prompting, pressing}, return_when=asyncio.FIRST_COMPLETED)
            if pressing.done():
                return pressing.result()
            prompting.result()
            return None
        finally:
            pressing.cancel()
            prompting.cancel()
            await asyncio.wait({prompting})


class _Collected:
    def __init__(self, rules: GatherRules) -> None:
        self.rules = rules
        self.digits = ""

    def take(self, key: str) -> bool:
        """Whether this key ends the input."""
        if key in self.rules.terminating_digit:
            return True
        if key in self.rules.valid_digits:
            self.digits += key
        return len(self.digits) >= self.rules.maximum

    def status(self) -> GatherStatus:
        return "valid" if len(self.digits) >= self.rules.minimum else "invalid"
