"""Whatever session the stand-in plays, every client understands all of it: any caller, any legal settings."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from urllib.parse import urlencode

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from agent import events
from tests.clients.clients_house import SDK_WARNINGS, STREAMING, U3, Heard, Setup, driver, installed
from tests.clients.taps_house import Tapped, Taps, serving
from tests.simulator.assemblyai_house import hearing

Message = dict[str, Any]

pytestmark = SDK_WARNINGS

LINES = (
    "Hello, this is Anna.",
    "I would like to book an appointment.",
    "Is half past three still free?",
    "My number is 481529,",
    "and then",
    "Wait!",
    "Ünïcode, naïve café — “fine”…",
    "No.",
)
# Whole frames of 50 ms, so that no client has a rest that it sends differently.
pauses = st.integers(2, 40).map(lambda frames: frames * 50)
callers = st.lists(st.tuples(st.sampled_from(LINES), pauses), min_size=1, max_size=4).map(
    lambda turns: (200, *(piece for turn in turns for piece in turn))
)
silences = st.tuples(st.integers(50, 1500), st.integers(50, 3000)).map(
    lambda pair: {"min_turn_silence": pair[0], "max_turn_silence": pair[1]}
)
modes = st.sampled_from(["min_latency", "balanced", "max_accuracy"]).map(lambda mode: {"mode": mode})
common = st.fixed_dictionaries(
    {"language_detection": st.booleans()},
    optional={
        "vad_threshold": st.floats(0, 1).map(lambda value: round(value, 2)),
        "keyterms_prompt": st.lists(
            st.sampled_from(["Kowalski", "Telnyx", "AssemblyAI"]), max_size=3, unique=True
        ),
    },
)
u3 = st.tuples(
    # LiveKit's plugin has silences of its own where neither is set.
    st.one_of(silences, modes, st.tuples(silences, modes).map(lambda both: both[0] | both[1])),
    common,
    # Pipecat always asks for continuous partials; the service's own default depends on speaker labels.
    st.fixed_dictionaries(
        {"continuous_partials": st.booleans()},
        optional={"interruption_delay": st.integers(0, 1000), "speaker_labels": st.booleans()},
    ),
).map(lambda parts: Setup(U3, 8000, options=parts[0] | parts[1] | parts[2]))
# What Pipecat insists on with these models, for all.
pipecats = {"format_turns": True, "end_of_turn_confidence_threshold": 1.0, "min_turn_silence": 160}
streaming = st.tuples(
    st.sampled_from([STREAMING, "universal-streaming-multilingual"]), common, st.integers(50, 3000)
).map(lambda parts: Setup(parts[0], 8000, options=parts[1] | pipecats | {"max_turn_silence": parts[2]}))


def tells(client: str, turn: Message, setup: Setup) -> bool:
    """Whether a Turn of the wire is a final for the client's user."""
    if not turn["end_of_turn"] or not turn["transcript"]:
        return False
    formats = client == "pipecat" or (client == "livekit" and setup.options.get("format_turns"))
    return turn["turn_is_formatted"] or not formats


def check(client: str, heard: Heard, wire: list[Message], setup: Setup) -> None:
    """All that was on the wire, and nothing else."""
    turns = [message for message in wire if message["type"] == "Turn"]
    starts = sum(message["type"] == "SpeechStarted" for message in wire)
    assert heard.finals == [turn["transcript"] for turn in turns if tells(client, turn, setup)]
    assert (heard.errors, heard.died, heard.gave_up) == ([], "", "")
    if client == "livekit":
        assert heard.partials == sum(bool(turn["words"]) for turn in turns)
    elif client == "pipecat":
        assert heard.partials == sum(bool(turn["transcript"]) and not tells(client, turn, setup) for turn in turns)
        starts = 0 if setup.by_vad else starts
    else:
        assert heard.partials == len(turns)
        assert (heard.begun, heard.terminated) == (1, 1)
    assert heard.started == starts


async def play(pieces: tuple[str | int, ...], setup: Setup) -> None:
    asked = {
        name: json.dumps(value) if isinstance(value, list) else value for name, value in setup.options.items()
    }
    query = urlencode({"speech_model": setup.model, **asked})
    taps = Taps()
    async with hearing(*pieces) as (stand_in, _, samples), serving(taps.app) as tap:
        wire = await stand_in.hear(samples, query)
        turns = [message for message in wire if message["type"] == "Turn"]
        pcm = samples.tobytes()

        async def one(client: str) -> tuple[str, Heard, Tapped]:
            told = taps.add(client, stand_in.url)
            session = driver(client, f"{tap}/{client}", setup)
            # The last turn may be open until the session is ended.
            finals = sum(
                tells(client, turn, setup) and turn["simulator"]["ended_by"] != "hangup" for turn in turns
            )
            async with session:
                await session.feed(pcm)
                await session.until(lambda: len(session.heard.finals) >= finals)
            return client, session.heard, told

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(client)) for client in installed()]
    # Each turn ends once in the words that a user is shown, and in the same for everybody.
    ends = [turn for turn in turns if turn["end_of_turn"] and turn["turn_is_formatted"] and turn["transcript"]]
    assert [end["turn_order"] for end in ends] == list(range(len(ends)))
    assert {turn["turn_order"] for turn in turns if turn["transcript"]} == set(range(len(ends)))
    for task in tasks:
        client, heard, told = task.result()
        check(client, heard, wire, setup)
        if client in ("pipecat", "livekit"):
            assert heard.finals == [end["transcript"] for end in ends], client
        assert [event.message for event in told.of(events.SttTurn)] == turns, client


@given(callers, st.one_of(u3, streaming))
@settings(
    max_examples=10,
    deadline=None,
    derandomize=True,
    database=None,
    # Sockets and four clients are too slow to look for the smallest caller who fails.
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],
)
def test_every_client_understands_every_session(pieces, setup):
    asyncio.run(play(pieces, setup))
