from __future__ import annotations

import pytest
from rich.cells import cell_len

from console.text import clean, clip, fit, tail, wrap


def test_control_characters_cannot_reach_the_terminal() -> None:
    assert clean("safe\x1b[2Jtext\r\nmore\x07\u202e") == "safe [2Jtext more "


@pytest.mark.parametrize(
    "text", ["one two three four five", "予約を木曜日の午後に変更したいのですが", "x" * 50, ""]
)
@pytest.mark.parametrize("width", [4, 10, 33])
def test_wrapping_keeps_every_word_and_never_exceeds_the_width(text: str, width: int) -> None:
    lines = wrap(text, width)

    assert max(cell_len(line) for line in lines) <= width
    assert "".join("".join(lines).split()) == "".join(text.split())


def test_wrapping_breaks_between_words() -> None:
    assert wrap("of course, is that Thursday", 12) == ["of course,", "is that", "Thursday"]


@pytest.mark.parametrize("width", range(12))
@pytest.mark.parametrize("text", ["hello there", "日本語です", "short"])
def test_fit_is_exact_in_cells(text: str, width: int) -> None:
    assert cell_len(fit(text, width)) == width
    assert cell_len(clip(text, width)) <= width
    assert cell_len(tail(text, width)) <= width


def test_clip_and_tail_show_what_they_leave_out() -> None:
    assert clip("half past three", 10) == "half past…"
    assert tail("half past three", 10) == "…ast three"
    assert clip("fits", 10) == tail("fits", 10) == "fits"
