"""What the screen shows: goldens at the sizes it was drawn for, and what changes with the state of things."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from agent import api, events
from console.process_state import ProcessState
from console.symbols import ASCII

Golden = Callable[[Any, str], None]


@pytest.mark.parametrize(
    ("width", "height", "calls"),
    [(80, 24, "clinic"), (120, 40, "clinic"), (200, 60, "clinic"), (80, 24, "none"), (80, 24, "no agent")],
)
async def test_the_screen_looks_as_it_was_drawn(
    open_console: Any, golden: Golden, width: int, height: int, calls: str
) -> None:
    async with open_console(width, height, calls) as console:
        if calls == "clinic":
            await console.press("2")
        golden(console, f"{calls.replace(' ', '-')}-{width}x{height}")


async def test_the_screen_in_ascii(open_console: Any, golden: Golden) -> None:
    async with open_console(120, 40, symbols=ASCII) as console:
        await console.press("2")
        golden(console, "clinic-ascii-120x40")
        spoken = "Of course. Is that Thursday the twenty-sixth, in—"
        assert not [character for character in console.text.replace(spoken, "") if ord(character) > 126]


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (79, 23), (200, 60), (80, 30)])
async def test_no_row_is_wider_than_the_terminal(open_console: Any, size: tuple[int, int]) -> None:
    async with open_console(*size) as console:
        lines = console.text.splitlines()

        assert len(lines) == size[1]
        assert max(len(line) for line in lines) <= size[0]


async def test_a_terminal_that_is_too_small_gets_one_sentence_until_it_is_enlarged(open_console: Any) -> None:
    async with open_console(79, 24) as console:
        assert console.text.split("\n\n")[0].replace("\n", " ").strip() == (
            "The console needs 80x24 characters and this terminal has 79x24: enlarge it. Calls go on meanwhile."
        )
        await console.pilot.resize_terminal(80, 24)
        await console.settle()
        assert "agent up" in console.text
        await console.pilot.resize_terminal(80, 23)
        await console.settle()
        assert "80x23" in console.text
        assert "agent up" not in console.text


async def test_the_layout_follows_the_width(open_console: Any) -> None:
    async with open_console(80, 24) as console:
        assert "last 20 turns" not in console.text
        await console.pilot.resize_terminal(120, 40)
        await console.settle()
        assert "last 20 turns" in console.text
        await console.pilot.resize_terminal(119, 40)
        await console.settle()
        assert "last 20 turns" not in console.text


async def test_which_service_is_live_is_always_there(open_console: Any) -> None:
    services = {"line": "LIVE", "stt": "LIVE", "llm": "SIM", "tts": "LIVE"}
    async with open_console(80, 24, services=services) as console:
        top = console.text.splitlines()[0]
        assert "line LIVE stt LIVE llm SIM tts LIVE" in top
        assert "agent up" in top
        bar = console.app.main.query_one("StatusBar")
        live = [segment.style for strip in bar._strips for segment in strip if segment.text == "LIVE"]
        assert [(style.bold, style.color.name) for style in live] == [(True, "#ff6b6b")] * 3


async def test_a_starting_agent_is_shown_with_the_time_it_takes(open_console: Any, clock: Any) -> None:
    async with open_console(calls="no agent") as console:
        console.store.process_changed(ProcessState("agent", "starting", since=clock()))
        clock.now += 7
        await console.settle()

        assert "agent starting 7 s" in console.text.splitlines()[0]
        assert "The agent starts… 7 s" in console.text


async def test_a_crashed_agent_is_shown_with_its_last_words_and_the_next_try(
    open_console: Any, clock: Any
) -> None:
    async with open_console(calls="none") as console:
        lines = ("Traceback (most recent call last):", "ImportError: No module named 'pipecat'")
        console.store.process_changed(
            ProcessState(
                "agent", "crashed", detail="The agent ended with status 1.", tail=lines, retry_at=clock() + 4
            )
        )
        await console.settle()

        assert "✗ agent down, again in 4 s" in console.text.splitlines()[0]
        assert "✗ The agent is down, again in 4 s: The agent ended with status 1." in console.text
        assert lines[1] in console.text
        await console.press("g")
        assert f"agent: {lines[1]}" in console.text


async def test_problems_of_the_agent_are_shown_before_the_first_call(open_console: Any) -> None:
    problem = "TELNYX_API_KEY is not set: put it into .env."
    async with open_console(calls="none", problems=[problem]) as console:
        assert problem in console.text
        console.store.feed(events.AgentReady(seq=1, host="127.0.0.1", port=1, startup_ms=2))
        await console.settle()
        assert problem not in console.text


async def test_a_silent_simulator_is_told_before_the_first_call(open_console: Any, store: Any) -> None:
    async with open_console(calls="none") as console:
        store.feed_silence("Speech needs espeak-ng.")
        await console.settle()
        assert "   Speech needs espeak-ng." in console.text
        assert console.bottom.endswith("error Speech needs espeak-ng.")


async def test_words_firm_up_in_place(open_console: Any, store: Any) -> None:
    async with open_console(calls="none") as console:
        store.feed(events.CallInitiated(call="c", direction="outbound", from_="+15550100000", to="+15550100123"))

        def heard(text: str, end: bool) -> events.SttTurn:
            message = {"turn_order": 0, "transcript": text, "end_of_turn": end, "end_of_turn_confidence": 0.9}
            return events.SttTurn(call="c", session=1, at="2026-11-21T17:04:00Z", message=message)

        store.feed(heard("half past", False))
        await console.settle()
        assert "half past▌" in console.text

        store.feed(heard("Half past three.", True))
        await console.settle()
        assert "half past▌" not in console.text
        assert " 04:00 caller  Half past three." in console.text
        assert "eot .90" in console.text


async def test_the_transcript_shows_what_the_caller_heard_and_how_the_call_ended(open_console: Any) -> None:
    async with open_console(80, 40) as console:
        await console.press("2")
        assert "✂ caller cut in after 0.9 s (heard 48 of 74 characters)" in console.text
        await console.press("4")
        assert "end     ended normal_clearing by callee after 00:12, 1 turn" in console.text


async def test_rough_recognition_is_labelled_and_explained_once(open_console: Any) -> None:
    async with open_console(80, 40) as console:
        await console.press("1")

        assert console.text.count("rough  eot") == 2
        assert console.text.count("an ASSEMBLYAI_API_KEY makes it good") == 1


async def test_wide_characters_keep_the_columns(open_console: Any, store: Any) -> None:
    async with open_console(calls="none") as console:
        store.feed(events.CallInitiated(call="c", direction="outbound", from_="+15550100000", to="+15550100123"))
        message = {
            "turn_order": 0,
            "transcript": "予約を木曜日の午後に変更したいのですが、" * 4,
            "end_of_turn": True,
        }
        store.feed(events.SttTurn(call="c", session=1, at="2026-11-21T17:04:00Z", message=message))
        await console.settle()
        strips = console.app.screen._compositor.render_strips()

        assert {strip.cell_length for strip in strips} == {80}
        assert "予約" in console.text


async def test_what_a_caller_says_cannot_steer_the_terminal(open_console: Any, store: Any) -> None:
    async with open_console(120, 40, calls="none") as console:
        evil = "hello\x1b]0;owned\x07\x1b[2J\r\nworld"
        store.feed(events.CallInitiated(call="c", direction="inbound", from_=evil, to=evil))
        store.feed(events.SttTurn(call="c", session=1, message={"transcript": evil, "end_of_turn": True}))
        store.feed(events.ToolCalled(call="c", turn=1, tool_call_id="t", name=evil, arguments={evil: evil}))
        store.feed(events.Error(call="c", where="llm", message=evil, fix=evil))
        store.feed(events.CallEnded(call="c", cause=evil, source=evil, duration_ms=1))
        await console.settle()
        drawn = "".join(
            segment.text for strip in console.app.screen._compositor.render_strips() for segment in strip
        )

        assert not [character for character in drawn if ord(character) < 32 or 127 <= ord(character) < 160]
        assert "world" in drawn


async def test_a_hundred_calls_scroll_with_the_selection(open_console: Any, store: Any, health: Any) -> None:
    async with open_console(80, 24, calls="none") as console:
        calls = []
        for number in range(100):
            at = f"2026-11-21T17:{number // 60:02}:{number % 60:02}Z"
            calls.append(api.CallState(f"c_{number}", to=f"+1555010{number:04}", phase="listening", started_at=at))
        store.feed(api.Snapshot(5, "attach", health(), calls))
        await console.settle()
        assert " ▸  1 +1 555 010 0000" in console.text

        await console.press(*["down"] * 12)
        assert " ▸ 13 +1 555 010 0012" in console.text
        assert len(console.text.splitlines()) == 24


async def test_only_rows_that_changed_are_drawn(open_console: Any, store: Any, monkeypatch: Any) -> None:
    async with open_console() as console:
        table = console.app.main.table
        drawn: list[int] = []

        def refresh(*regions: Any, **_options: Any) -> None:
            drawn.extend(region.y for region in regions)

        monkeypatch.setattr(table, "refresh", refresh)
        store.feed(events.MediaLevel(call="c_ada", caller=-10, agent=-10))
        console.app.main.draw()

        assert drawn == [2]
