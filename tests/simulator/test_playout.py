from __future__ import annotations

import pytest

from simulator.telnyx.media.playout import BYTES_PER_MS, MAX_QUEUE_MS, Playout, QueueFull


def test_chunks_of_any_length_come_out_as_asked() -> None:
    playout = Playout()
    for chunk in (b"a" * 7, b"b" * 400, b"c"):
        playout.write(chunk)
    taken = [playout.take(160)[0] for _ in range(4)]
    assert b"".join(taken) == b"a" * 7 + b"b" * 400 + b"c"
    assert [len(piece) for piece in taken] == [160, 160, 88, 0]
    assert playout.queued_ms == 0


def test_a_mark_is_reached_with_the_last_byte_before_it() -> None:
    playout = Playout()
    assert not playout.mark("at once")
    playout.write(b"x" * 200)
    assert playout.mark("first")
    playout.write(b"y" * 10)
    assert playout.mark("second")
    assert playout.take(160)[1] == []
    assert playout.take(40) == (b"x" * 40, ["first"])
    assert playout.take(160) == (b"y" * 10, ["second"])


def test_clear_returns_the_marks_and_forgets_the_audio() -> None:
    playout = Playout()
    playout.write(b"x" * 200)
    playout.mark("one")
    playout.take(100)
    assert playout.clear() == ["one"]
    assert playout.take(160) == (b"", [])
    playout.write(b"new")
    assert playout.take(160)[0] == b"new"


def test_the_queue_is_bounded_in_time_and_in_pieces() -> None:
    playout = Playout()
    playout.write(b"x" * MAX_QUEUE_MS * BYTES_PER_MS)
    with pytest.raises(QueueFull):
        playout.write(b"y")
    assert playout.queued_ms == MAX_QUEUE_MS
    small = Playout()
    for _ in range(MAX_QUEUE_MS // 10):
        small.write(b"x")
    with pytest.raises(QueueFull):
        small.mark("one too many")
