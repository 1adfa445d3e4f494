"""What the stand-ins share of speech: one synthesiser, one vocabulary, one general engine."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from simulator.speech.engine_choice import Engines
from simulator.speech.general import General
from simulator.speech.recogniser import Recogniser
from simulator.speech.synthesiser import Synthesiser
from simulator.speech.vocabulary import Vocabulary


class SpeechServices:
    """Created once per process; `start` before the first call, `close` after the last."""

    def __init__(self, engines: Engines | None = None) -> None:
        """`engines` to try instead of those that the environment asks for."""
        self.synthesiser = Synthesiser()
        self.vocabulary = Vocabulary(self.synthesiser)
        self.general = General(engines)
        # One thread: more would only take Python's lock from the event loop more often.
        self._matching = ThreadPoolExecutor(1, thread_name_prefix="matching")

    async def start(self) -> None:
        """Raises SpeechUnavailable when espeak-ng is installed and does not run."""
        self.general.start()
        await self.synthesiser.start()

    async def close(self) -> None:
        await self.general.close()
        await self.synthesiser.close()
        self._matching.shutdown(cancel_futures=True)

    def recogniser(self, sample_rate: int) -> Recogniser:
        """A recogniser for one stream. Raises ValueError for a sample rate that cannot be resampled."""
        return Recogniser(self.vocabulary, self.general, self._matching, sample_rate)
