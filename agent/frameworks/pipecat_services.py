"""Pipecat's services for one call, built from the agent definition so that no setting vanishes silently."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from importlib import resources
from typing import Any
from urllib.parse import urlencode

import onnxruntime
from openai import AsyncOpenAI
from pipecat.adapters.llm.schemas.function_schema import FunctionSchema
from pipecat.adapters.llm.schemas.tools_schema import ToolsSchema
from pipecat.audio.vad.silero import SileroOnnxModel, SileroVADAnalyzer
from pipecat.audio.vad.vad_analyzer import VADAnalyzer, VADParams
from pipecat.frames.frames import Frame, LLMContextFrame
from pipecat.processors.aggregators.llm_response_universal import LLMUserAggregatorParams
from pipecat.processors.frame_processor import FrameDirection
from pipecat.services.assemblyai.stt import AssemblyAISTTService
from pipecat.services.deepgram.tts import DeepgramTTSService
from pipecat.services.openai.llm import OpenAILLMService
from pipecat.turns.user_start import TranscriptionUserTurnStartStrategy, VADUserTurnStartStrategy
from pipecat.turns.user_stop import SpeechTimeoutUserTurnStopStrategy
from pipecat.turns.user_turn_strategies import ExternalUserTurnStrategies, UserTurnStrategies

from agent.definition import Definition, ToolDefinition, TurnSettings, VadTurns, Voice
from agent.frameworks.pipecat_rime import RimeVoice
from agent.settings import Service

# Upstream has languages as an enumeration, which lacks "multi", and keeps `language` to itself.
_SETTINGS = {field.name for field in fields(AssemblyAISTTService.Settings)} - {"language_codes", "language"}


class SharedVad(SileroVADAnalyzer):
    """Silero with one ONNX session for all calls: upstream loads 15 MB and blocks the loop for 38 ms a call.

    Only the session is shared; the model's recurrent state is each call's own.
    """

    _session: onnxruntime.InferenceSession | None = None

    @classmethod
    def load(cls) -> None:
        """Load the model; once, before the first call."""
        file = resources.files("pipecat.audio.vad.data").joinpath("silero_vad.onnx")
        with resources.as_file(file) as path:
            cls._session = SileroOnnxModel(str(path)).session

    def __init__(self, settings: VadTurns) -> None:
        params = VADParams(
            confidence=settings.confidence,
            start_secs=settings.start_s,
            stop_secs=settings.stop_s,
            min_volume=settings.min_volume,
        )
        VADAnalyzer.__init__(self, sample_rate=None, params=params)
        model = SileroOnnxModel.__new__(SileroOnnxModel)
        assert self._session is not None, "SharedVad.load() comes first"
        model.session = self._session
        model.sample_rates = [8000, 16000]
        model.reset_states()
        self._model = model
        self._windows_since_reset = 0
        self._low_confidence_windows = 0


class SharedLlm(OpenAILLMService):
    """OpenAI's service on a client that all calls share: making one takes 23 ms of the loop's time.

    The client has our time limit and repeats a failed request once; upstream's waits 600 s. While ``held``,
    nothing is asked, neither for the caller's turn nor for a tool's result: both come as a context.
    """

    def __init__(self, client: AsyncOpenAI, **kwargs: Any) -> None:
        self._shared = client
        self.held = False
        super().__init__(api_key="held by the shared client", **kwargs)

    def create_client(self, **_: Any) -> AsyncOpenAI:  # pyright: ignore[reportIncompatibleMethodOverride]
        return self._shared

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        if not (self.held and isinstance(frame, LLMContextFrame)):
            await super().process_frame(frame, direction)
            return
        messages = frame.context.get_messages()
        last = messages[-1] if messages else None
        if isinstance(last, dict) and last.get("role") == "developer":
            # Upstream's order what to answer to a turn without words; there is no answer now.
            messages.pop()


class SpeechToText(AssemblyAISTTService):
    """AssemblyAI's service, with parameters of the session that upstream has no setting for."""

    def __init__(self, also: Mapping[str, Any], **kwargs: Any) -> None:
        self._also = {
            name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            for name, value in also.items()
        }
        super().__init__(**kwargs)

    def _build_ws_url(self) -> str:
        url = super()._build_ws_url()
        return f"{url}&{urlencode(self._also)}" if self._also else url


def speech_to_text(definition: Definition, url: str) -> AssemblyAISTTService:
    """AssemblyAI through the tap at ``url``.

    With ``ended_by = "vad"`` Pipecat sends ForceEndpoint and sets both silences itself, so the definition asks
    for none then.
    """
    asked = definition.stt_parameters()
    settings = {"model": asked.pop("speech_model")}
    settings |= {name: asked.pop(name) for name in _SETTINGS & asked.keys()}
    return SpeechToText(
        also=asked,
        api_key="held by the tap",
        api_endpoint_base_url=url,
        vad_force_turn_endpoint=definition.turn.ended_by == "vad",
        settings=AssemblyAISTTService.Settings(**settings),
        reconnect_backoff_min_wait=0.5,
        reconnect_backoff_max_wait=2.0,
    )


def language_model(definition: Definition, client: AsyncOpenAI, instructions: str) -> SharedLlm:
    return SharedLlm(
        client,
        settings=OpenAILLMService.Settings(model=definition.llm.model, system_instruction=instructions),
    )


def text_to_speech(voice: Voice, service: Service) -> DeepgramTTSService | RimeVoice:
    """The voice, which speaks at the line's own rate: the service makes it, so that nothing is resampled."""
    if voice.service == "rime":
        return RimeVoice(
            api_key=service.key,
            url=f"{service.url}/ws3",
            settings=RimeVoice.Settings(
                voice=voice.speaker, model=voice.rime_model, segment="never", speedAlpha=voice.rime_speed_alpha
            ),
            reconnect_backoff_min_wait=0.5,
            reconnect_backoff_max_wait=2.0,
        )
    return DeepgramTTSService(
        api_key=service.key,
        base_url=service.url,
        encoding="linear16",
        settings=DeepgramTTSService.Settings(voice=voice.speaker, speed=voice.speed),
        reconnect_backoff_min_wait=0.5,
        reconnect_backoff_max_wait=2.0,
    )


def turn_taking(settings: TurnSettings) -> LLMUserAggregatorParams:
    """Strategies are always given: without them Pipecat loads its smart-turn model for nothing."""
    if settings.ended_by == "assemblyai":
        return LLMUserAggregatorParams(user_turn_strategies=ExternalUserTurnStrategies())
    return LLMUserAggregatorParams(
        vad_analyzer=SharedVad(settings.vad),
        user_turn_strategies=UserTurnStrategies(
            # Words that come after Pipecat gave a turn up, or that the VAD took for noise, are answered too.
            start=[VADUserTurnStartStrategy(), TranscriptionUserTurnStartStrategy()],
            stop=[SpeechTimeoutUserTurnStopStrategy(user_speech_timeout=settings.vad.wait_s)],
        ),
    )


def tool_schemas(tools: list[ToolDefinition]) -> ToolsSchema:
    return ToolsSchema(
        standard_tools=[
            FunctionSchema(
                name=tool.name,
                description=tool.description,
                properties=tool.parameters,
                required=tool.required,
            )
            for tool in tools
        ]
    )
