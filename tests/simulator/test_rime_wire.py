"""What Rime's stand-in makes of messages, text and names. No socket."""

from __future__ import annotations

import contextlib
import json

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulator.rime import wire
from simulator.rime.buffer import Buffer
from simulator.rime.catalogue import espeak_voice, model_of, refusal
from simulator.speech.synthesiser import CALLER_VOICE


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.one_of(
        st.text(), st.binary(), st.recursive(st.none() | st.integers() | st.text(), st.lists).map(json.dumps)
    )
)
def test_any_message_is_understood_or_told(message: str | bytes) -> None:
    for parse in (wire.parse_json, wire.parse_plain):
        with contextlib.suppress(wire.BadMessage):
            assert isinstance(parse(message), (wire.Text, wire.Operation))


@settings(deadline=None)
@given(
    st.sampled_from(["bySentence", "immediate", "never"]),
    st.lists(st.tuples(st.text("ab. !\n", max_size=12), st.sampled_from([None, "x", "y"])), max_size=12),
)
def test_after_a_flush_every_word_is_taken_once_and_in_order(segment, texts) -> None:
    buffer = Buffer(segment)
    taken = []
    for text, context in texts:
        buffer.add(text, context)
        if (piece := buffer.take()) is not None:
            taken.append(piece.text)
    buffer.flush()
    buffer.clear()
    while (piece := buffer.take()) is not None:
        taken.append(piece.text)
    assert "".join("".join(taken).split()) == "".join("".join(text for text, _ in texts).split())
    assert buffer.empty


def test_models_and_speakers() -> None:
    assert [model_of(asked) for asked in ("", "coda", "codav1", "arcanav3", "mist9")] == [
        "mistv3", "coda", "coda", "arcana", "mistv3",
    ]  # fmt: skip
    assert not refusal("coda", "astra", "eng")
    assert not refusal("mistv3", "cove", "eng")
    voices = {espeak_voice(name) for name in ("astra", "luna", "cove", "masonry", "summit", "lyra")}
    assert CALLER_VOICE not in voices
    assert len(voices) > 2
