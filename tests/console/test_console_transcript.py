"""The transcript widget: wraps once, redraws little, and stays right whatever the fold does to its lines."""

from __future__ import annotations

from typing import Any

from agent import call_state, events
from agent.call_state import MAX_LINES
from console.symbols import UNICODE
from console.widgets import transcript
from console.widgets.transcript import Transcript
from console.widgets.transcript_rows import rows_of


def _say(store: Any, order: int, text: str, end: bool = True) -> None:
    message = {"turn_order": order, "transcript": text, "end_of_turn": end}
    store.feed(events.SttTurn(call="c", session=1, at="2026-11-21T17:04:00Z", message=message))


def _shown(widget: Transcript) -> list[str]:
    return ["".join(segment.text for segment in strip).rstrip() for strip in widget.strips]


def _expected(console: Any) -> list[str]:
    """The rows of the whole transcript, made from nothing."""
    state = console.app.view.call.state
    turns = {turn.number: turn for turn in state.turns}
    strips = [
        strip
        for line in state.lines
        for strip in rows_of(line, turns.get(line.turn) if line.who == "caller" else None, 80, UNICODE)
    ]
    return ["".join(segment.text for segment in strip).rstrip() for strip in strips]


async def test_settled_lines_are_wrapped_once(open_console: Any, store: Any, monkeypatch: Any) -> None:
    async with open_console(calls="none") as console:
        store.feed(events.CallInitiated(call="c", direction="outbound", from_="+1", to="+1"))
        for order in range(300):
            _say(store, order, f"line {order}")
        await console.settle()
        wrapped: list[str] = []

        def counted(line: Any, *arguments: Any, **options: Any) -> Any:
            wrapped.append(line.text)
            return rows_of(line, *arguments, **options)

        monkeypatch.setattr(transcript, "rows_of", counted)
        for words in ("half", "half past", "half past three"):
            _say(store, 300, words, end=False)
            await console.settle()

        assert wrapped == ["half", "half past", "half past three"]
        assert _shown(console.app.main.transcript) == _expected(console)


async def test_a_note_that_is_put_between_lines_appears_between_them(open_console: Any, store: Any) -> None:
    async with open_console(80, 40, calls="none") as console:
        store.feed(events.CallInitiated(call="c", direction="outbound", from_="+1", to="+1"))
        greeting = "Hello, this is the clinic."
        store.feed(events.TtsRequest(call="c", at="2026-11-21T17:04:00Z", turn=0, text=greeting))
        await console.settle()
        _say(store, 0, "wait", end=False)
        await console.settle()
        store.feed(events.TurnInterrupted(call="c", turn=0, said=greeting, heard="Hello,", heard_ms=400))
        await console.settle()

        assert _shown(console.app.main.transcript) == [
            " 04:00 agent   Hello,—",
            "               ✂ caller cut in after 0.4 s (heard 6 of 26 characters)",
            " 04:00 caller  wait▌",
        ]


async def test_a_latency_that_comes_late_is_put_under_its_turn(open_console: Any, store: Any) -> None:
    async with open_console(80, 40, calls="none") as console:
        store.feed(events.CallInitiated(call="c", direction="outbound", from_="+1", to="+1"))
        _say(store, 0, "when are you open")
        store.feed(events.TurnUserStopped(call="c", turn=1, text="", decided_by="vad", silence_ms=300))
        store.feed(events.TtsRequest(call="c", at="2026-11-21T17:04:01Z", turn=1, text="Eight to six."))
        await console.settle()
        store.feed(events.TurnLatency(call="c", turn=1, total_ms=1400, parts={"end_of_turn": 300}))
        await console.settle()

        assert _shown(console.app.main.transcript) == [
            " 04:00 caller  when are you open",
            "               eot 300 │ ▲ e2e 1400 ms",
            " 04:01 agent   Eight to six.",
        ]


async def test_lines_that_the_fold_drops_disappear(open_console: Any, store: Any) -> None:
    async with open_console(calls="none") as console:
        store.feed(events.CallInitiated(call="c", direction="outbound", from_="+1", to="+1"))
        for order in range(MAX_LINES):
            _say(store, order, f"line {order}")
        await console.settle()
        assert _shown(console.app.main.transcript)[0].endswith("line 0")
        _say(store, MAX_LINES, "one more")
        await console.settle()

        assert len(console.app.view.call.state.lines) < MAX_LINES
        assert _shown(console.app.main.transcript) == _expected(console)


async def test_it_shows_what_the_contract_says_at_every_event_of_a_call(
    open_console: Any, store: Any, recorded: Any
) -> None:
    async with open_console(80, 40, calls="none") as console:
        mine = [event for event in recorded("clinic") if event.call == "c_ada"]
        widget = console.app.main.transcript
        for event in mine:
            store.feed(event)
            console.app.main.draw(everything=True)
            await console.pilot.pause()
            widget.sync()
            assert _shown(widget) == _expected(console)
        assert console.app.view.call.state == call_state.fold("c_ada", mine)
