"""streaming_start and streaming_stop. Pure.

Source: the command schemas of Telnyx's OpenAPI document, as typed in the telnyx package 4.189.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from simulator.telnyx.media.options import StreamOptions
from simulator.telnyx.requests.common import CommandSpec, command_table
from simulator.telnyx.requests.fields import Text, below, missing
from simulator.telnyx.requests.streaming import STREAMING_START, stream_options, stream_rate


@dataclass(frozen=True, slots=True)
class StopStream:
    """`stream_id` None: the stream there is."""

    stream_id: str | None = None


def _has_url(values: Mapping[str, Any], pointer: str) -> None:
    # Dialogflow is the one thing that streams without an address of the application's.
    if "stream_url" not in values and not values.get("enable_dialogflow"):
        raise missing(below(pointer, "stream_url"))


STREAMING_COMMANDS: Final[dict[str, CommandSpec[StreamOptions | StopStream]]] = {
    "streaming_start": CommandSpec(
        command_table(STREAMING_START, rules=(_has_url, stream_rate)),
        stream_options,
        frozenset(STREAMING_START.keys() - {"dialogflow_config", "enable_dialogflow"}),
    ),
    "streaming_stop": CommandSpec(
        command_table({"stream_id": Text(limit=255)}),
        lambda values: StopStream(values.get("stream_id")),
        frozenset({"stream_id"}),
    ),
}
