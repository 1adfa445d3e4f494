"""The real sound process, as the console runs it, for tests and benchmarks."""

from __future__ import annotations

from pathlib import Path

from console.sound.protocol import Configure, Order
from console.sound_link import SoundLink
from tests.sound.peers import Reports


class SoundProcess:
    """Ended by ``async with``. ``reports`` are all that it made."""

    def __init__(self, folder: Path, configure: Configure) -> None:
        self.reports = Reports()
        self._link = SoundLink(self.reports, configure, folder)

    async def __aenter__(self) -> SoundProcess:
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self._link.close()

    def send(self, order: Order) -> None:
        self._link.send(order)
