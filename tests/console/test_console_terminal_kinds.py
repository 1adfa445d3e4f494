"""What the console takes from its terminal: how much it can show, and how often."""

from __future__ import annotations

import pytest

from console import symbols
from console.pace import frames_per_second


@pytest.mark.parametrize(
    ("environment", "frames"),
    [
        ({}, 10),
        ({"SSH_CONNECTION": "10.0.0.1 22"}, 4),
        ({"SSH_TTY": "/dev/pts/1", "SIDETONE_FPS": "10"}, 10),
        ({"SIDETONE_FPS": "2.5"}, 2.5),
        ({"SIDETONE_FPS": "1000"}, 10),
        ({"SIDETONE_FPS": "fast"}, 10),
        ({"SIDETONE_FPS": "nan"}, 10),
    ],
)
def test_the_screen_is_drawn_less_often_over_ssh(environment: dict[str, str], frames: float) -> None:
    assert frames_per_second(environment) == frames


@pytest.mark.parametrize(
    ("environment", "encoding", "chosen"),
    [
        ({}, "UTF-8", symbols.UNICODE),
        ({"SIDETONE_ASCII": "1"}, "UTF-8", symbols.ASCII),
        ({"SIDETONE_ASCII": "0"}, "UTF-8", symbols.UNICODE),
        ({"TERM": "linux"}, "UTF-8", symbols.ASCII),
        ({"TERM": "xterm-256color"}, "ANSI_X3.4-1968", symbols.ASCII),
    ],
)
def test_a_terminal_that_can_only_show_ascii_gets_no_more(
    environment: dict[str, str], encoding: str, chosen: symbols.Symbols, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("locale.getpreferredencoding", lambda _: encoding)

    assert symbols.choose(environment) is chosen


def test_the_ascii_symbols_are_ascii() -> None:
    for name in symbols.Symbols.__slots__:
        value = getattr(symbols.ASCII, name)
        if isinstance(value, str):
            assert value.isascii()
    assert len(symbols.ASCII.bars) == len(symbols.UNICODE.bars) == 9
    assert symbols.ASCII.plain("a – b · c → d…").isascii()
    assert symbols.ASCII.mark("✂").isascii()
