"""What Pipecat does, told to our turn tracker by one observer (several cost five times as much)."""

from __future__ import annotations

import time
from collections.abc import Callable

from pipecat.frames.frames import (
    BotStoppedSpeakingFrame,
    Frame,
    LLMContextFrame,
    LLMFullResponseEndFrame,
    LLMFullResponseStartFrame,
    LLMTextFrame,
    MetricsFrame,
    TTSAudioRawFrame,
    TTSStoppedFrame,
    UserStartedSpeakingFrame,
)
from pipecat.metrics.metrics import LLMUsageMetricsData
from pipecat.observers.base_observer import BaseObserver, FramePushed
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor

from agent.turns import Turns


class TurnObserver(BaseObserver):
    """Reports each frame that matters once.

    Observers run in a task of their own, a little after the frame: times are taken from the frame's own stamp.
    ``turn_over`` is called with the caller's words when the framework gives a turn to the LLM.
    """

    def __init__(
        self,
        turns: Turns,
        *,
        llm: FrameProcessor,
        tts: FrameProcessor,
        model: str,
        turn_over: Callable[[str, int], None],
        answer_sent: Callable[[], object],
    ) -> None:
        super().__init__(observe_every_push=False)
        self._turns = turns
        self._llm, self._tts = llm, tts
        self._model = model
        self._turn_over = turn_over
        self._answer_sent = answer_sent
        self._clock_start: int | None = None
        self._prompt_tokens: int | None = None
        self._completion_tokens: int | None = None
        self._user_speaking = False
        self._messages = 0

    async def on_push_frame(self, data: FramePushed) -> None:
        frame = data.frame
        if frame.broadcast_sibling_id is not None and data.direction != FrameDirection.DOWNSTREAM:
            return
        if isinstance(frame, LLMContextFrame) and not self._for_llm(data):
            return
        self._report(frame, data.source, self._time(data.timestamp))

    def _for_llm(self, data: FramePushed) -> bool:
        """Whether a context is on its way to the LLM; after an answer one also goes the other way."""
        return data.destination is self._llm or data.direction == FrameDirection.UPSTREAM

    def _time(self, stamp: int) -> int:
        """A frame's stamp (nanoseconds since the pipeline's clock began) on our clock."""
        now = time.monotonic_ns()
        if not stamp:
            return now
        start = now - stamp
        self._clock_start = start if self._clock_start is None else min(start, self._clock_start)
        return self._clock_start + stamp

    def _report(self, frame: Frame, source: FrameProcessor, at: int) -> None:
        turns = self._turns
        match frame:
            case TTSAudioRawFrame():
                if source is self._tts:
                    turns.tts_audio(at, len(frame.audio) / 2 / frame.sample_rate * 1000)
            case LLMTextFrame():
                if source is self._llm:
                    turns.llm_token(at, frame.text)
            case UserStartedSpeakingFrame():
                self._user_speaking = True
                turns.user_started()
            case LLMContextFrame():
                if self._user_speaking:
                    self._user_speaking = False
                    self._turn_over(_last_user_words(frame.context), at)
                self._messages = len(frame.context.get_messages())
            case LLMFullResponseStartFrame():
                if source is self._llm:
                    turns.llm_asked(at, self._model, self._messages)
            case MetricsFrame():
                for item in frame.data:
                    if isinstance(item, LLMUsageMetricsData):
                        self._prompt_tokens = item.value.prompt_tokens
                        self._completion_tokens = item.value.completion_tokens
            case LLMFullResponseEndFrame():
                if source is self._llm:
                    turns.llm_done(at, self._prompt_tokens, self._completion_tokens)
                    self._prompt_tokens = self._completion_tokens = None
            case TTSStoppedFrame():
                if source is self._tts:
                    turns.tts_done()
            case BotStoppedSpeakingFrame():
                self._answer_sent()
            case _:
                pass


def _last_user_words(context: LLMContext) -> str:
    """The words to be answered: none after a turn that had none, of which Pipecat tells the LLM as a developer."""
    for message in reversed(context.get_messages()):
        if isinstance(message, dict) and message.get("role") in ("user", "developer"):
            content = message.get("content") if message["role"] == "user" else ""
            return content if isinstance(content, str) else ""
    return ""
