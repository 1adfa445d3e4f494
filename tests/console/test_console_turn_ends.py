"""Why turns ended: the page of the column, the whole of it, and the marks in the transcript."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from agent import events
from console.symbols import ASCII

Golden = Callable[[Any, str], None]


def words(*given: tuple[str, int, int], sure: float = 0.9) -> list[dict[str, Any]]:
    return [{"text": text, "start": start, "end": end, "confidence": sure} for text, start, end in given]


def turn(
    given: list[dict[str, Any]], at_ms: int, *, order: int = 0, final: bool = False, sure: float = 0.0
) -> Any:
    message = {
        "turn_order": order,
        "end_of_turn": final,
        "transcript": " ".join(word["text"] for word in given),
        "end_of_turn_confidence": sure,
        "words": given,
    }
    return events.SttTurn(call="c", session=1, at="2026-11-21T17:04:00Z", message=message, audio_ms=at_ms)


def over(number: int) -> events.Event:
    return events.TurnUserStopped(call="c", turn=number, text="x", decided_by="assemblyai", silence_ms=1)


def begin(store: Any, model: str = "universal-3-6-pro") -> None:
    store.feed(events.CallInitiated(call="c", direction="outbound", from_="+1", to="+15550100123"))
    store.feed(events.CallAnswered(call="c"))
    store.feed(events.SttOpened(call="c", session=1, parameters={"speech_model": model}))


HELLO = words(("Hello", 200, 600), ("there", 640, 1000))


@pytest.mark.parametrize(
    ("width", "height", "keys", "name"),
    [
        (120, 40, ("2", "i", "left"), "turn-end-120x40"),
        (80, 24, ("2", "i", "left", "left"), "turn-detection-80x24"),
        (200, 60, ("1", "i"), "turn-detection-200x60"),
    ],
)
async def test_the_ends_of_turns_look_as_they_were_drawn(
    open_console: Any, golden: Golden, width: int, height: int, keys: tuple[str, ...], name: str
) -> None:
    async with open_console(width, height) as console:
        await console.press(*keys)
        golden(console, name)


async def test_the_ends_of_turns_in_ascii(open_console: Any) -> None:
    async with open_console(80, 24, symbols=ASCII) as console:
        await console.press("2", "i", "left", "left")

        assert "complete after 180 ms" in console.text
        assert "appointment?.52" in console.text
        assert not [character for character in console.text if ord(character) > 126]


async def test_i_goes_on_from_the_page_to_all_of_it_and_back(open_console: Any) -> None:
    async with open_console(120, 40) as console:
        await console.press("2")
        assert "e2e 1028 ms of 1000" in console.text
        assert "─ i why it ended ─" in console.text
        await console.press("i")
        assert "end of turn" in console.text or "end of this turn" in console.text
        assert "e2e 1028 ms of 1000" not in console.text
        assert "─ i in full ─" in console.text
        await console.press("i")
        assert "turn  ended        silence" in console.text
        assert "Hello, this is Ada" not in console.text
        await console.press("i")
        assert "e2e 1028 ms of 1000" in console.text
        assert "Hello, this is Ada" in console.text


async def test_escape_leaves_all_of_it_and_a_narrow_terminal_has_it_too(open_console: Any) -> None:
    async with open_console(80, 24) as console:
        await console.press("2", "i")
        assert "turn  ended        silence" in console.text
        await console.press("escape")
        assert "turn  ended        silence" not in console.text
        assert "half past three and could you▌" in console.text


async def test_a_tall_terminal_shows_both_pages(open_console: Any) -> None:
    async with open_console(200, 60) as console:
        await console.press("2")
        assert "e2e 1028 ms of 1000" in console.text
        assert "─ end of this turn ─" in console.text
        await console.press("i")
        assert "turn  ended        silence" in console.text


async def test_the_arrows_choose_the_turn_and_its_row(open_console: Any) -> None:
    async with open_console(80, 30) as console:
        await console.press("2", "i", "left")
        assert " ▸    1  complete         180" in console.text
        assert "complete after 180 ms  final 180 ms after the last word  eot .94" in console.text
        await console.press("right")
        assert " ▸    2  complete         164" in console.text
        await console.press("home")
        assert " ▸    1  complete" in console.text
        await console.press("pagedown")
        assert " ▸    –  open" in console.text


async def test_the_ramp_grows_while_the_caller_speaks(open_console: Any, store: Any) -> None:
    async with open_console(120, 40, calls="none") as console:
        begin(store)
        await console.press("i")
        assert "AssemblyAI has told nothing of this turn." in console.text

        store.feed(turn(HELLO[:1], 700, sure=0.1))
        await console.settle()
        assert "not over yet" in console.text
        rising = console.text.count("█")

        store.feed(turn(HELLO, 1384, sure=0.9, final=True))
        await console.settle()
        assert "complete after 384 ms" in console.text
        assert "final 384 ms after the last word  eot .90" in console.text
        assert "speech 0.80 s" in console.text
        assert "silence 384 ms" in console.text
        assert console.text.count("█") > rising


async def test_what_triggered_the_end_is_told_in_words(open_console: Any, store: Any) -> None:
    forced = events.SttSent(call="c", session=1, message={"type": "ForceEndpoint"})
    operator = events.SttTuned(call="c", session=1, who="console", end_turn=True)
    hung_up = events.SttSent(call="c", session=1, message={"type": "Terminate"})
    async with open_console(120, 40, calls="none") as console:
        begin(store)
        await console.press("i")
        for order, (sent, silence_ms, says) in enumerate(
            (
                ([], 384, "complete after 384 ms"),
                ([], 1536, "max silence 1536 ms"),
                ([forced, operator], 384, "forced by operator after 384 ms"),
                ([forced], 90, "forced by the framework after 90 ms"),
                ([hung_up], 90, "the call ended"),
            )
        ):
            begun = order * 5_000
            said = words(("Hello", begun + 200, begun + 1000))
            store.feed(turn(said, begun + 1010, order=order))
            for event in sent:
                store.feed(event)
            store.feed(turn(said, begun + 1000 + silence_ms, order=order, sure=1.0, final=True))
            await console.settle()

            assert says in console.text


async def test_a_turn_without_an_end_says_so_once_the_call_is_over(open_console: Any, store: Any) -> None:
    async with open_console(80, 24, calls="none") as console:
        begin(store)
        store.feed(turn(HELLO, 1100))
        await console.press("i")
        assert "not over yet" in console.text
        store.feed(events.CallEnded(call="c", cause="media_lost", source="carrier", duration_ms=2000))
        await console.settle()
        assert "no end came" in console.text


async def test_the_two_numbers_are_on_the_screen_and_a_cut_off_is_told_three_times(
    open_console: Any, store: Any
) -> None:
    async with open_console(120, 40, calls="none") as console:
        begin(store)
        store.feed(turn(HELLO, 1400, sure=1.0, final=True))
        store.feed(over(1))
        store.feed(turn(words(("and", 1710, 1900)), 2000, order=1))
        store.feed(turn(words(("and", 1710, 1900)), 2540, order=1, sure=1.0, final=True))
        store.feed(over(2))
        await console.settle()
        assert "cut off 1 of 2   waited p50 640, p95 640 ms" in console.text
        assert "▲ the end of turn cut the caller off, who spoke on 310" in console.text

        await console.press("i", "left")
        assert "cut off: the caller spoke on 310 ms later" in console.text
        await console.press("i")
        assert "▲ yes" in console.text


async def test_a_confidence_that_is_told_only_at_the_end_is_called_that(open_console: Any, store: Any) -> None:
    async with open_console(120, 40, calls="none") as console:
        begin(store)
        store.feed(turn(HELLO, 1100))
        store.feed(turn(HELLO, 1400, sure=1.0, final=True))
        await console.press("i")

        assert "this model tells it only at the end" in console.text


async def test_the_threshold_of_a_model_that_has_one_is_a_dotted_line(open_console: Any, store: Any) -> None:
    async with open_console(120, 40, calls="none") as console:
        begin(store, "universal-streaming-english")
        store.feed(turn(HELLO, 1100, sure=0.1))
        await console.press("i")
        dotted = [line for line in console.text.splitlines() if "··········" in line]

        assert len(dotted) == 1
        assert "│" in dotted[0]


async def test_a_turn_split_over_a_reconnect_is_marked(open_console: Any, store: Any) -> None:
    async with open_console(120, 40, calls="none") as console:
        begin(store)
        store.feed(turn(HELLO[:1], 700))
        store.feed(events.SttSplit(call="c", session=1, text="Hello", replayed_ms=700))
        await console.settle()
        assert "turn split, 700 ms heard again" in console.text
        store.feed(turn(HELLO, 1400, order=1, sure=1.0, final=True))
        await console.settle()

        rows = [line for line in console.text.splitlines() if "caller  Hello there" in line]
        assert len(rows) == 1
        assert "split  eot 1.0" in rows[0]


async def test_what_a_word_holds_cannot_steer_the_terminal(open_console: Any, store: Any) -> None:
    async with open_console(120, 40, calls="none") as console:
        begin(store)
        evil = "a\x1b]0;owned\x07\r\n"
        store.feed(turn(words((evil, 200, 600), (evil * 60, 640, 1000), sure=0.1), 1400, sure=1.0, final=True))
        await console.press("i")
        await console.press("i")
        strips = console.app.screen._compositor.render_strips()
        drawn = "".join(segment.text for strip in strips for segment in strip)

        assert not [character for character in drawn if ord(character) < 32 or 127 <= ord(character) < 160]
        assert {strip.cell_length for strip in strips} == {120}


@pytest.mark.parametrize("call", ["1", "3"])
async def test_no_row_of_it_is_wider_than_the_terminal(open_console: Any, call: str) -> None:
    async with open_console(120, 24) as console:
        await console.press(call, "i")
        for width, height in ((120, 24), (80, 24), (120, 40), (200, 60), (120, 24)):
            await console.pilot.resize_terminal(width, height)
            await console.press("i")
            lines = console.text.splitlines()

            assert len(lines) == height
            assert max(len(line) for line in lines) <= width
