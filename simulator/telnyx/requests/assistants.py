"""AI assistants on a call: what they are made of, and the commands that start and join them. Pure.

The simulator runs no assistant; the tables are there so that a request is refused as Telnyx refuses it.
Source: the assistant schemas of Telnyx's OpenAPI document, as typed in the telnyx package 4.189.
"""

from __future__ import annotations

from typing import Final, Never

from simulator.telnyx.requests import languages
from simulator.telnyx.requests.common import JSON_OBJECT, CommandSpec, command_table
from simulator.telnyx.requests.fields import (
    Choice,
    Dictionary,
    Either,
    Flag,
    Many,
    Number,
    Object,
    Tagged,
    Text,
    Whole,
)
from simulator.telnyx.requests.voices import GATHER_AI_VOICE_SETTINGS, LANGUAGE_BOOST

_MODELS = """
    deepgram/flux flux deepgram/nova-3 deepgram/nova-2 speechmatics/standard speechmatics/enhanced
    speechmatics/linden-1 assemblyai/universal-3-5-pro assemblyai/universal-streaming xai/grok-stt soniox/stt-rt-v4
    nvidia/parakeet-v3 omi-health/omi-med-stt-v1 humain/realtime reson8/turns cohere/ar-stt azure/fast
    azure/realtime google/latest_long distil-whisper/distil-large-v2 openai/whisper-large-v3-turbo
"""
_TRANSCRIPTION: Final = Object({"language": Text(), "model": Choice(*_MODELS.split())})
_JSON_SCHEMA: Final = Object({"properties": JSON_OBJECT, "required": Many(Text()), "type": Choice("object")})
_CALENDAR: Final = {"api_key_ref": Text(), "event_type_id": Whole()}
_WEBHOOK: Final = Object(
    {
        "description": Text(),
        "name": Text(),
        "url": Text(),
        "body_parameters": _JSON_SCHEMA,
        "headers": Many(Object({"name": Text(), "value": Text()})),
        "method": Choice("GET", "POST", "PUT", "DELETE", "PATCH"),
        "path_parameters": _JSON_SCHEMA,
        "query_parameters": _JSON_SCHEMA,
    },
    required=("description", "name", "url"),
)
_TARGETS: Final = Either(
    "an array or a string", Many(Object({"to": Text(), "name": Text()}, required=("to",))), Text()
)


def _tool(name: str, settings: Object, **more: Whole) -> Object:
    return Object({name: settings, "type": Choice(name), **more}, required=(name, "type"))


_TOOLS: Final = Many(
    Tagged(
        "type",
        {
            "book_appointment": _tool(
                "book_appointment",
                Object(
                    {**_CALENDAR, "attendee_name": Text(), "attendee_timezone": Text()},
                    required=("api_key_ref", "event_type_id"),
                ),
            ),
            "check_availability": _tool(
                "check_availability", Object(_CALENDAR, required=("api_key_ref", "event_type_id"))
            ),
            "webhook": _tool("webhook", _WEBHOOK, timeout_ms=Whole(0)),
            "hangup": _tool("hangup", Object({"description": Text()})),
            "transfer": _tool("transfer", Object({"from": Text(), "targets": _TARGETS}, required=("targets",))),
            "retrieval": _tool(
                "retrieval",
                Object({"bucket_ids": Many(Text()), "max_num_results": Whole(0)}, required=("bucket_ids",)),
            ),
        },
    )
)
_EXTERNAL_LLM: Final = Object(
    {
        "authentication_method": Choice("token", "certificate"),
        "base_url": Text(),
        "certificate_ref": Text(),
        "forward_metadata": Flag(),
        "llm_api_key_ref": Text(),
        "model": Text(),
        "token_retrieval_url": Text(),
    }
)
_VOICE: Final = Object(
    {
        "voice": Text(),
        "api_key_ref": Text(),
        "background_audio": Tagged(
            "type",
            {
                "predefined_media": Object(
                    {
                        "type": Choice("predefined_media"),
                        "value": Choice("silence", "office"),
                        "volume": Number(0, 1),
                    },
                    required=("type", "value"),
                ),
                "media_url": Object({"type": Choice("media_url"), "value": Text()}, required=("type", "value")),
                "media_name": Object({"type": Choice("media_name"), "value": Text()}, required=("type", "value")),
            },
        ),
        "expressive_mode": Flag(),
        "language_boost": LANGUAGE_BOOST,
        "similarity_boost": Number(),
        "speed": Number(),
        "style": Number(),
        "temperature": Number(),
        "use_speaker_boost": Flag(),
        "voice_speed": Number(),
    },
    required=("voice",),
)
ASSISTANT: Final = Object(
    {
        "id": Text(),
        "dynamic_variables": Dictionary(Either("a string, a number or a boolean", Text(), Number(), Flag())),
        "external_llm": _EXTERNAL_LLM,
        "fallback_config": Object({"external_llm": _EXTERNAL_LLM, "llm_api_key_ref": Text(), "model": Text()}),
        "greeting": Text(),
        "instructions": Text(),
        "llm_api_key_ref": Text(),
        "mcp_servers": Many(JSON_OBJECT),
        "model": Text(),
        "name": Text(),
        "observability_settings": JSON_OBJECT,
        "openai_api_key_ref": Text(),
        "tools": _TOOLS,
        "transcription": _TRANSCRIPTION,
        "voice_settings": _VOICE,
    },
    required=("id",),
)
"""`assistant` of dial, answer and ai_assistant_start."""

_CALLED_TOOL: Final = Object(
    {
        "id": Text(),
        "function": Object({"name": Text()}, required=("name",)),
        "type": Choice("function"),
    },
    required=("id", "function", "type"),
)


def _message(role: str) -> Object:
    return Object({"content": Text(), "role": Choice(role), "metadata": JSON_OBJECT}, required=("content", "role"))


_MESSAGES: Final = Many(
    Tagged(
        "role",
        {
            "user": _message("user"),
            "assistant": Object(
                {
                    "role": Choice("assistant"),
                    "content": Text(),
                    "metadata": JSON_OBJECT,
                    "tool_calls": Many(_CALLED_TOOL),
                },
                required=("role",),
            ),
            "tool": Object(
                {"content": Text(), "role": Choice("tool"), "tool_call_id": Text(), "metadata": JSON_OBJECT},
                required=("content", "role", "tool_call_id"),
            ),
            "system": _message("system"),
            "developer": _message("developer"),
        },
    )
)
_PARTICIPANT: Final = Object(
    {
        "id": Text(),
        "role": Choice("user"),
        "name": Text(),
        "on_hangup": Choice("continue_conversation", "end_conversation"),
    },
    required=("id", "role"),
)
_INTERRUPTION: Final = Object({"enable": Flag()})

ASSISTANT_COMMANDS: Final[dict[str, CommandSpec[Never]]] = {
    "ai_assistant_start": CommandSpec(
        command_table(
            {
                "assistant": ASSISTANT,
                "greeting": Text(limit=3000),
                "interruption_settings": _INTERRUPTION,
                "message_history": _MESSAGES,
                "participants": Many(_PARTICIPANT),
                "send_message_history_updates": Flag(),
                "transcription": _TRANSCRIPTION,
            }
        )
    ),
    "ai_assistant_stop": CommandSpec(command_table({})),
    "ai_assistant_join": CommandSpec(
        command_table(
            {"conversation_id": Text(), "participant": _PARTICIPANT}, required=("conversation_id", "participant")
        )
    ),
    "ai_assistant_add_messages": CommandSpec(command_table({"messages": _MESSAGES, "trigger_response": Flag()})),
    "gather_using_ai": CommandSpec(
        command_table(
            {
                "parameters": JSON_OBJECT,
                "assistant": Object(
                    {"instructions": Text(), "model": Text(), "openai_api_key_ref": Text(), "tools": _TOOLS}
                ),
                "gather_ended_speech": Text(limit=3000),
                "greeting": Text(limit=3000),
                "interruption_settings": _INTERRUPTION,
                "language": Choice(*languages.GOOGLE),
                "message_history": Many(Object({"content": Text(), "role": Choice("assistant", "user")})),
                "send_message_history_updates": Flag(),
                "send_partial_results": Flag(),
                "transcription": _TRANSCRIPTION,
                "user_response_timeout_ms": Whole(0),
                "voice": Text(),
                "voice_settings": GATHER_AI_VOICE_SETTINGS,
            },
            required=("parameters",),
        )
    ),
}
