"""The bare Pipecat bot that our agent is measured against: Pipecat's guide for Telnyx, lean, and nothing else."""

from __future__ import annotations

import os
import sys

import uvicorn
from loguru import logger
from pipecat.frames.frames import TTSSpeakFrame
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import LLMContextAggregatorPair, LLMUserAggregatorParams
from pipecat.runner.types import WebSocketRunnerArguments
from pipecat.runner.utils import create_transport
from pipecat.services.assemblyai.stt import AssemblyAISTTService
from pipecat.services.deepgram.tts import DeepgramTTSService
from pipecat.services.openai.llm import OpenAILLMService
from pipecat.transports.websocket.fastapi import FastAPIWebsocketParams
from pipecat.turns.user_turn_strategies import ExternalUserTurnStrategies
from pipecat.workers.runner import WorkerRunner
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket


async def bot(websocket: WebSocket) -> None:
    await websocket.accept()
    arguments = WebSocketRunnerArguments(websocket=websocket)
    transport = await create_transport(
        arguments, {"telnyx": lambda: FastAPIWebsocketParams(audio_in_enabled=True, audio_out_enabled=True)}
    )
    stt = AssemblyAISTTService(
        api_key="x",
        api_endpoint_base_url=f"{os.environ['ASSEMBLYAI_BASE_URL']}/v3/ws",
        vad_force_turn_endpoint=False,
        settings=AssemblyAISTTService.Settings(model="universal-3-6-pro"),
    )
    llm = OpenAILLMService(
        api_key="x",
        base_url=os.environ["OPENAI_BASE_URL"],
        settings=OpenAILLMService.Settings(model="gpt-4.1-mini", system_instruction="You answer the phone."),
    )
    tts = DeepgramTTSService(api_key="x", base_url=os.environ["DEEPGRAM_BASE_URL"])
    user, assistant = LLMContextAggregatorPair(
        LLMContext(), user_params=LLMUserAggregatorParams(user_turn_strategies=ExternalUserTurnStrategies())
    )
    worker = PipelineWorker(
        Pipeline([transport.input(), stt, user, llm, tts, transport.output(), assistant]),
        params=PipelineParams(
            audio_in_sample_rate=8000, audio_out_sample_rate=8000, enable_metrics=True, enable_usage_metrics=True
        ),
        enable_rtvi=False,
        enable_turn_tracking=False,
    )

    @transport.event_handler("on_client_connected")
    async def connected(_transport: object, _websocket: object) -> None:
        await worker.queue_frames([TTSSpeakFrame("Hello.")])

    @transport.event_handler("on_client_disconnected")
    async def disconnected(_transport: object, _websocket: object) -> None:
        await worker.cancel()

    runner = WorkerRunner(handle_sigint=False, force_gc=True)
    await runner.add_workers(worker)
    await runner.run()


if __name__ == "__main__":
    import uvloop

    logger.remove()
    uvloop.install()
    uvicorn.run(
        Starlette(routes=[WebSocketRoute("/ws", bot)]),
        port=int(sys.argv[1]),
        ws="websockets-sansio",
        log_level="error",
        ws_per_message_deflate=False,
    )
