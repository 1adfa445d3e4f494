"""Chat Completions, by OpenAI's own client and by Pipecat's service."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from openai import APITimeoutError, AsyncOpenAI, AuthenticationError, BadRequestError, InternalServerError

FIND: Any = {
    "type": "function",
    "function": {
        "name": "find_slots",
        "description": "Find free slots.",
        "parameters": {
            "type": "object",
            "properties": {"day": {"type": "string"}, "part_of_day": {"type": "string"}},
            "required": ["day"],
        },
    },
}
SYSTEM: Any = {"role": "system", "content": "You answer the phone of Riverside Clinic. Today is 2026-11-21."}
THURSDAY: Any = {"role": "user", "content": "I need an appointment on Thursday afternoon"}


@pytest.fixture
async def openai(simulator):
    env = simulator.environment
    async with AsyncOpenAI(
        api_key=env["OPENAI_API_KEY"],
        base_url=env["OPENAI_BASE_URL"],
        max_retries=0,
        http_client=httpx.AsyncClient(trust_env=False),
        _strict_response_validation=True,
    ) as client:
        yield client


async def test_streamed_words_then_usage(openai):
    stream = await openai.chat.completions.create(
        model="gpt-4.1", messages=[SYSTEM], stream=True, stream_options={"include_usage": True}
    )
    chunks = [chunk async for chunk in stream]
    assert chunks[0].choices[0].delta.role == "assistant"
    words = [chunk.choices[0].delta.content for chunk in chunks[1:-2]]
    assert words[:3] == ["Hello, ", "this ", "is "]
    assert "".join(words) == "Hello, this is Riverside Clinic. How can I help you?"
    assert chunks[-2].choices[0].finish_reason == "stop"
    assert chunks[-1].choices == []
    assert chunks[-1].usage.completion_tokens == len(words)
    assert len({chunk.id for chunk in chunks}) == 1


async def test_streamed_tool_call(openai):
    stream = await openai.chat.completions.create(
        model="gpt-4.1", messages=[SYSTEM, THURSDAY], tools=[FIND], stream=True
    )
    calls = []
    reasons = set()
    async for chunk in stream:
        assert chunk.usage is None
        calls += chunk.choices[0].delta.tool_calls or []
        reasons.add(chunk.choices[0].finish_reason)
    assert (calls[0].index, calls[0].type, calls[0].function.name) == (0, "function", "find_slots")
    arguments = json.loads("".join(call.function.arguments for call in calls))
    assert arguments == {"day": "2026-11-26", "part_of_day": "afternoon"}
    assert reasons == {None, "tool_calls"}


async def test_a_whole_completion(openai):
    completion = await openai.chat.completions.create(
        model="gpt-4.1", messages=[SYSTEM, THURSDAY], tools=[FIND], tool_choice="none"
    )
    message = completion.choices[0].message
    assert message.tool_calls is None
    assert message.content == "And what time on Thursday the twenty-sixth?"
    assert completion.usage.total_tokens > 0


async def test_models(openai):
    assert "gpt-4.1" in [model.id async for model in openai.models.list()]


async def test_refusals_in_openais_shape(simulator, openai):
    called = {"id": "1", "type": "function", "function": {"name": "find_slots", "arguments": "{}"}}
    with pytest.raises(BadRequestError, match="must be followed by tool messages"):
        await openai.chat.completions.create(
            model="gpt-4.1", messages=[THURSDAY, {"role": "assistant", "tool_calls": [called]}, THURSDAY]
        )
    with pytest.raises(BadRequestError, match="response to a preceding message"):
        await openai.chat.completions.create(
            model="gpt-4.1", messages=[{"role": "tool", "content": "x", "tool_call_id": "2"}]
        )
    with pytest.raises(BadRequestError, match="at least one message"):
        await openai.chat.completions.create(model="gpt-4.1", messages=[])
    async with httpx.AsyncClient(base_url=simulator.environment["OPENAI_BASE_URL"], trust_env=False) as anybody:
        refused = await anybody.post("/chat/completions", json={})
        assert (refused.status_code, refused.json()["error"]["code"]) == (401, "invalid_api_key")
        refused = await anybody.post("/chat/completions", content=b"{", headers={"Authorization": "Bearer x"})
        assert (refused.status_code, refused.json()["error"]["type"]) == (400, "invalid_request_error")


async def test_faults(control, openai):
    async def ask(**options: Any) -> Any:
        return await openai.with_options(**options).chat.completions.create(model="gpt-4.1", messages=[SYSTEM])

    await control.post("/faults", json={"service": "openai", "fault": {"where": "request", "code": 500}})
    with pytest.raises(InternalServerError):
        await ask()
    await control.post("/faults", json={"service": "openai", "fault": {"where": "request", "code": 0}})
    with pytest.raises(APITimeoutError):
        await ask(timeout=0.2)
    fault = {"where": "request", "code": 401, "text": "Your key is gone."}
    await control.post("/faults", json={"service": "openai", "fault": fault})
    with pytest.raises(AuthenticationError, match=r"Your key is gone\."):
        await ask()
    await control.post("/faults", json={"service": "openai", "fault": {"where": "request", "code": 500}})
    await control.delete("/faults")
    assert (await ask()).choices[0].message.content


async def test_pipecats_service_speaks_and_calls_tools(simulator):
    from pipecat.adapters.llm.schemas.function_schema import FunctionSchema
    from pipecat.adapters.llm.schemas.tools_schema import ToolsSchema
    from pipecat.frames.frames import EndFrame, FunctionCallsStartedFrame, LLMContextFrame, LLMTextFrame
    from pipecat.processors.aggregators.llm_context import LLMContext
    from pipecat.services.openai.llm import OpenAILLMService
    from pipecat.tests.utils import run_test

    asked: list[dict[str, Any]] = []

    async def find_slots(params: Any) -> None:
        asked.append(dict(params.arguments))
        await params.result_callback({"slots": []})

    env = simulator.environment
    service = OpenAILLMService(
        api_key=env["OPENAI_API_KEY"],
        base_url=env["OPENAI_BASE_URL"],
        settings=OpenAILLMService.Settings(model="gpt-4.1", system_instruction=SYSTEM["content"]),
    )
    service.register_function("find_slots", find_slots)
    schema = FunctionSchema(
        name="find_slots", description="Find free slots.", properties={"day": {"type": "string"}}, required=["day"]
    )
    contexts = [LLMContext(), LLMContext([THURSDAY], tools=ToolsSchema(standard_tools=[schema]))]
    down, _ = await run_test(
        service,
        frames_to_send=[*(LLMContextFrame(context) for context in contexts), EndFrame()],
        send_end_frame=False,
    )
    await service._client.close()
    text = "".join(frame.text for frame in down if isinstance(frame, LLMTextFrame))
    assert text == "Hello, this is Riverside Clinic. How can I help you?"
    assert any(isinstance(frame, FunctionCallsStartedFrame) for frame in down)
    assert asked == [{"day": "2026-11-26"}]
