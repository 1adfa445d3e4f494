"""What Telnyx answers to a dial, a look at a call, and a command. Pure.

Source: responses of operations DialCall and RetrieveCallStatus of Telnyx's OpenAPI document.
"""

from __future__ import annotations

from typing import Any, Final

from simulator.telnyx.identifiers import CallIds

COMMAND_ACCEPTED: Final[dict[str, Any]] = {"data": {"result": "ok"}}


def call_resource(
    ids: CallIds,
    *,
    client_state: str | None,
    is_alive: bool,
    call_duration: int | None = None,
    start_time: str | None = None,
    end_time: str | None = None,
    recording_id: str | None = None,
) -> dict[str, Any]:
    """`{"data": …}` of dial and retrieve. `call_duration` in seconds, times in ISO 8601; `recording_id` is there
    when the dial asked for a recording."""
    data: dict[str, Any] = {
        "record_type": "call",
        "call_control_id": ids.call_control_id,
        "call_leg_id": ids.call_leg_id,
        "call_session_id": ids.call_session_id,
        "is_alive": is_alive,
    }
    optional = {
        "client_state": client_state,
        "call_duration": call_duration,
        "start_time": start_time,
        "end_time": end_time,
        "recording_id": recording_id,
    }
    data.update((key, value) for key, value in optional.items() if value is not None)
    return {"data": data}
