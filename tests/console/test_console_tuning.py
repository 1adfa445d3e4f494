"""Retuning a live call from the screen: the panel of the key t, and :stt."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from agent import events
from console.widgets.tuning_panel import TuningPanel

Golden = Callable[[Any, str], None]
STREAMING = "universal-streaming-english"


def panel(console: Any) -> TuningPanel | None:
    return next(iter(console.app.main.query(TuningPanel)), None)


def row(console: Any, name: str) -> str:
    """The panel's row for a parameter."""
    return next((line[:71] for line in console.text.splitlines() if line[3:].startswith(f"{name} ")), "")


async def command(console: Any, text: str) -> None:
    await console.press("colon")
    await console.type(text)
    await console.press("enter")


def reopened(store: Any, model: str, **query: str) -> None:
    """Another session in call 2."""
    store.feed(events.SttOpened(call="c_ada", session=2, parameters={"speech_model": model, **query}))


@pytest.mark.parametrize(("width", "height"), [(80, 24), (120, 40)])
async def test_the_panel_looks_as_it_was_drawn(open_console: Any, golden: Golden, width: int, height: int) -> None:
    async with open_console(width, height) as console:
        await console.press("2", "t", "down", "right")
        golden(console, f"tuning-{width}x{height}")


async def test_it_tells_the_values_whose_they_are_and_what_they_mean(open_console: Any) -> None:
    async with open_console(120, 40) as console:
        await console.press("2", "t", "down")
        assert row(console, "mode").split() == ["mode", "balanced", "agent", "definition"]
        assert row(console, "min_turn_silence").split() == ["▸", "min_turn_silence", "128", "mode", "balanced"]
        assert "After so many ms of silence a sentence that sounds finished ends" in console.text


async def test_arrows_and_digits_change_values_and_enter_sends_them_together(open_console: Any) -> None:
    async with open_console(120, 40) as console:
        await console.press("2", "t", "down", "right", "right")
        assert "128 → 200" in console.text
        await console.press("left")
        assert "128 → 150" in console.text
        await console.press("down", "1", "5", "0", "0", "0", "backspace")
        assert "1280 → 1500" in console.text
        assert "2 changes not sent" in console.text
        assert console.session.tuned == []

        await console.press("enter")
        assert console.session.tuned == [("c_ada", {"min_turn_silence": 150, "max_turn_silence": 1500})]
        assert console.bottom.endswith("sent min_turn_silence 150, max_turn_silence 1500")
        assert "not sent" not in console.text


async def test_the_panel_follows_what_the_agent_says_was_sent(open_console: Any, store: Any) -> None:
    async with open_console(120, 40) as console:
        await console.press("2", "t")
        fields = {"min_turn_silence": 600}
        store.feed(events.SttTuned(call="c_ada", session=1, who="console", fields=fields))
        await console.settle()

        assert row(console, "min_turn_silence").split() == ["min_turn_silence", "600", "operator"]
        assert "operator set min_turn_silence 600" in console.text


async def test_switches_and_choices_step_through_their_values(open_console: Any) -> None:
    async with open_console(120, 40) as console:
        await console.press("2", "t", "right")
        assert "balanced → max_accuracy" in console.text
        await console.press("right", "right")
        assert "→" not in row(console, "mode")
        assert panel(console).changes == {}
        await console.press("down", "down", "down", "left")
        assert "0.2 → 0.15" in console.text
        await console.press("down", "down", "plus")
        assert "yes → no" in console.text
        await console.press("enter")
        assert console.session.tuned == [("c_ada", {"vad_threshold": 0.15, "continuous_partials": False})]


async def test_values_stay_in_their_range(open_console: Any) -> None:
    async with open_console(120, 40) as console:
        await console.press("2", "t", "down", "6", "0", "left", "left")
        assert "128 → 50" in console.text
        await console.press("down", "down", "0", ".", "9", "7", "right", "right")
        assert panel(console).changes == {"min_turn_silence": 50, "vad_threshold": 1.0}


async def test_what_cannot_be_changed_in_a_call_is_told_with_the_reason(open_console: Any, store: Any) -> None:
    async with open_console(120, 50) as console:
        store.feed(
            events.SttIgnored(call="c_ada", session=1, parameters={"prompt": "this engine knows no context"})
        )
        await console.press("2", "t")
        assert row(console, "sample_rate").split() == ["sample_rate", "8000", "framework,", "fixed"]
        assert row(console, "prompt").split()[-3:] == ["service,", "no", "effect"]

        await console.press(*["down"] * 10)
        assert "This engine knows no context." in console.text
        await console.press("down", "right", "7")
        assert panel(console).changes == {}
        assert "Fixed when the session opens:" in console.text


async def test_a_list_is_typed_at_the_prompt_and_the_panel_has_the_keys_again(open_console: Any) -> None:
    async with open_console(120, 40) as console:
        await console.press("2", "t", *["down"] * 6, "right")
        assert console.app.focused.value == ":stt keyterms_prompt="
        await console.type('"half past three,Ada"')
        await console.press("enter")
        assert console.session.tuned == [("c_ada", {"keyterms_prompt": ["half past three", "Ada"]})]
        assert console.app.focused is panel(console)
        await console.press("up", "colon", "escape")
        assert console.app.focused is panel(console)


async def test_a_refusal_is_one_readable_sentence_and_the_changes_stay(open_console: Any) -> None:
    async with open_console(80, 24) as console:
        refusal = "min_turn_silence=1300 would be above max_turn_silence=1280: lower it, or raise the other one."
        console.session.refusal = refusal
        await console.press("2", "t", "down", "1", "3", "0", "0", "enter")
        assert " ".join(map(str.strip, console.text.splitlines()[-2:])).endswith(f"error {refusal}")
        assert "128 → 1300" in console.text
        assert len(console.text.splitlines()) == 24


async def test_what_the_model_does_not_honour_is_told(open_console: Any) -> None:
    async with open_console() as console:
        console.session.ignores = {"vad_threshold": "Universal-Streaming models do not use it"}
        await console.press("2")
        await command(console, "stt vad_threshold=0.5")
        assert "sent, but vad_threshold is not honoured: Universal-Streaming" in console.text


async def test_s_saves_what_was_sent_and_e_ends_the_turn(open_console: Any) -> None:
    async with open_console(120, 40) as console:
        await console.press("2", "t", "down", "right", "s")
        assert console.session.saved == []
        assert console.bottom.endswith("Enter sends the changes first; s saves what was sent.")
        await console.press("enter", "s")
        assert console.session.saved == ["c_ada"]
        assert console.bottom.endswith(
            "saved min_turn_silence 600 in /home/ada/clinic.toml; prompt was left out: it is of this call"
        )
        await console.press("e")
        assert console.session.ended_turns == ["c_ada"]


async def test_it_closes_and_the_keys_are_the_screens_again(open_console: Any) -> None:
    async with open_console() as console:
        await console.press("2", "t", "d", "x", "1")
        assert console.session.dialled == []
        assert " ↑ ↓ setting  ← → value  Enter send  s save  e end turn  : type  Esc leave" in console.text
        for key in ("escape", "q", "t"):
            assert panel(console) is not None
            await console.press(key)
            assert panel(console) is None
            await console.press("t")
        await console.press("escape", "1")
        assert "d dial" in console.text
        assert console.shown_call == "c_bob"


async def test_keys_that_follow_t_at_once_are_the_panels(open_console: Any) -> None:
    async with open_console() as console:
        await console.press("2")
        for key in ("t", "down", "right", "enter"):
            console.app.simulate_key(key)
        await console.settle()
        assert console.shown_call == "c_ada"
        assert console.session.tuned == [("c_ada", {"min_turn_silence": 150})]


async def test_it_closes_with_its_call_and_follows_the_selection(open_console: Any, store: Any) -> None:
    async with open_console(80, 30) as console:
        await console.press("2", "t", "down", "right")
        await console.pilot.click("CallTable", offset=(20, 1))
        await console.settle()
        assert console.shown_call == "c_bob"
        assert panel(console).changes == {}

        store.feed(events.CallEnded(call="c_bob", cause="normal_clearing", source="callee", duration_ms=1))
        await console.settle()
        assert panel(console) is None
        assert console.app.focused is None


async def test_a_smaller_terminal_has_a_smaller_panel_and_goes_on_showing_words(open_console: Any) -> None:
    async with open_console(120, 40) as console:
        await console.press("2", "t")
        for width, height in ((80, 24), (120, 50)):
            await console.pilot.resize_terminal(width, height)
            await console.settle()

            assert "half past three and could you▌" in console.text
            assert "Trades speed for accuracy" in console.text
            assert len(console.text.splitlines()) == height


async def test_a_question_over_the_panel_gives_the_keys_back(open_console: Any) -> None:
    async with open_console() as console:
        await console.press("2", "t", "ctrl+q")
        assert console.bottom.startswith("3 calls are live")
        await console.press("escape")
        assert console.app.focused is panel(console)


async def test_the_streaming_family_has_its_threshold(open_console: Any, store: Any) -> None:
    async with open_console(120, 40) as console:
        reopened(store, STREAMING)
        await console.press("2", "t")
        assert "min_turn_silence                  400" in console.text
        assert row(console, "end_of_turn_confidence_threshold").split()[1] == "0.4"
        assert not row(console, "mode")


async def test_the_prompt_does_it_without_the_panel(open_console: Any) -> None:
    async with open_console() as console:
        await console.press("2")
        await command(console, "stt min_turn_silence=600 max_turn_silence=1500")
        await command(console, "stt keyterms_prompt=")
        await command(console, "stt end")
        await command(console, "stt save")

        assert console.session.tuned == [
            ("c_ada", {"min_turn_silence": 600, "max_turn_silence": 1500}),
            ("c_ada", {"keyterms_prompt": []}),
        ]
        assert (console.session.ended_turns, console.session.saved) == (["c_ada"], ["c_ada"])
        assert panel(console) is None


async def test_stt_alone_opens_the_panel(open_console: Any) -> None:
    async with open_console() as console:
        await console.press("2")
        await command(console, "stt")
        assert console.app.focused is panel(console)


async def test_what_cannot_be_read_is_one_sentence(open_console: Any) -> None:
    async with open_console(120, 40) as console:
        await console.press("2")
        for text, says in (
            ("stt min_turn_silence", "is no name=value"),
            ("stt min_turn_silense=600", "did you mean min_turn_silence?"),
            ("stt min_turn_silence=soon", "is not a whole number"),
        ):
            await command(console, text)
            assert says in console.bottom
        assert console.session.tuned == []


async def test_it_says_why_it_cannot_be_used(open_console: Any) -> None:
    async with open_console() as console:
        await console.press("3", "t")
        assert console.bottom.endswith("stt: the call's speech recognition is not connected yet.")
        await console.press("4", "t")
        assert console.bottom.endswith("stt: the selected call has ended already.")
