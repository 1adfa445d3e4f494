from __future__ import annotations

import pytest

from simulator.telnyx.media.playout import MAX_QUEUE_MS, Playout, QueueFull


def test_chunks_of_any_length_come_out_as_asked() -> None:
    playout = Playout(160)
    for chunk in (b"a" * 7, b"b" * 400, b"c"):
        playout.write(chunk)
    taken = [playout.take()[0] for _ in range(4)]
    assert b"".join(taken) == b"a" * 7 + b"b" * 400 + b"c"
    assert [len(piece) for piece in taken] == [160, 160, 88, 0]
    assert playout.queued_ms == 0


def test_a_mark_is_reached_with_the_last_byte_before_it() -> None:
    playout = Playout(160)
    assert not playout.mark("at once")
    playout.write(b"x" * 200)
    assert playout.mark("first")
    playout.write(b"y" * 130)
    assert playout.mark("second")
    assert playout.take() == (b"x" * 160, [])
    assert playout.take() == (b"x" * 40 + b"y" * 120, ["first"])
    assert playout.take() == (b"y" * 10, ["second"])


def test_clear_returns_the_marks_and_forgets_the_audio() -> None:
    playout = Playout(160)
    playout.write(b"x" * 200)
    playout.mark("one")
    playout.take()
    assert playout.clear() == ["one"]
    assert playout.take() == (b"", [])
    playout.write(b"new")
    assert playout.take()[0] == b"new"


def test_the_queue_is_bounded_in_time_and_in_pieces() -> None:
    playout = Playout(160)
    playout.write(b"x" * MAX_QUEUE_MS * 8)
    with pytest.raises(QueueFull):
        playout.write(b"y")
    assert playout.queued_ms == MAX_QUEUE_MS
    small = Playout(160)
    for _ in range(MAX_QUEUE_MS // 10):
        small.write(b"x")
    with pytest.raises(QueueFull):
        small.mark("one too many")
