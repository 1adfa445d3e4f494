"""What the keys do, pressed one after the other."""

from __future__ import annotations

from typing import Any

import pytest
from textual.events import Key

from agent import events
from console.process_state import ProcessState
from console.screens.dial import DialScreen
from console.screens.help import HelpScreen

KEYS = {":": "colon", " ": "space"}
LIVE = {"line": "LIVE", "stt": "LIVE", "llm": "LIVE", "tts": "LIVE"}


async def test_d_dials_at_once_on_the_simulated_line_and_shows_the_call(open_console: Any, store: Any) -> None:
    async with open_console() as console:
        await console.press("d")
        assert console.session.dialled == ["+15550100123"]
        assert console.shown_call == "c_bob"

        store.feed(events.CallInitiated(call="c_new", direction="outbound", from_="+1", to="+15550100123"))
        await console.settle()
        assert console.shown_call == "c_new"


async def test_d_asks_on_a_live_line_and_the_dialog_asks_again(open_console: Any) -> None:
    async with open_console(services=LIVE) as console:
        await console.press("d")
        assert isinstance(console.app.screen, DialScreen)
        assert "costs money" in console.text
        await console.type("+15550100199")
        await console.press("enter")
        assert "Really dial +1 555 010 0199 for money?" in console.text
        assert console.session.dialled == []
        await console.press("enter")
        assert console.session.dialled == ["+15550100199"]


async def test_a_changed_number_must_be_confirmed_anew(open_console: Any) -> None:
    async with open_console(services=LIVE) as console:
        await console.press("d")
        await console.type("+15550100199")
        await console.press("enter", "backspace", "8", "enter")
        assert "Really dial +1 555 010 0198" in console.text
        assert console.session.dialled == []
        await console.press("escape")
        assert console.session.dialled == []


async def test_the_dialog_checks_the_number_as_it_is_typed(open_console: Any) -> None:
    async with open_console() as console:
        await console.press("D")
        assert "+15550100123" in console.text
        assert "+1 555 010 0123. Enter dials" in console.text
        await console.press("end", *["backspace"] * 9)
        assert "Not a number yet" in console.text
        await console.press("enter")
        assert "This is no telephone number" in console.text
        await console.press("escape")
        assert console.session.dialled == []


async def test_the_number_dialled_last_is_offered_again(open_console: Any) -> None:
    async with open_console() as console:
        console.session.preferences.remember("SIM", "+442079460958")
        console.session.preferences.remember("LIVE", "+15550100177")
        await console.press("d")
        assert console.session.dialled == ["+442079460958"]


async def test_hanging_up_asks_and_only_y_does_it(open_console: Any) -> None:
    async with open_console() as console:
        await console.press("2", "x")
        assert console.bottom == "hang up +1 555 010 0123? y/n"
        await console.press("n")
        assert console.session.hung_up == []
        await console.press("x", "d")
        assert console.session.hung_up == []
        assert console.session.dialled == []
        await console.press("x", "tab", "y")
        assert console.session.hung_up == []
        await console.press("x", "y")
        assert console.session.hung_up == ["c_ada"]


async def test_a_key_that_does_nothing_now_says_why(open_console: Any) -> None:
    async with open_console() as console:
        await console.press("4", "x")
        assert console.bottom.endswith("hangup: the selected call has ended already.")
        await console.press("e")
        assert console.bottom.endswith("errors: the event list needs a terminal of 120 columns.")
        console.store.process_changed(ProcessState("agent", "crashed", detail="It died."))
        await console.press("d")
        assert console.bottom.endswith("dial: the agent is down: g shows why.")
        assert console.session.dialled == []


async def test_what_the_agent_refuses_is_shown(open_console: Any) -> None:
    async with open_console() as console:
        console.session.refusal = "Too many calls: at most 20 at once."
        await console.press("d")
        assert console.bottom == "04:15 error Too many calls: at most 20 at once."


async def test_calls_are_selected_by_number_brackets_arrows_and_the_mouse(open_console: Any) -> None:
    async with open_console() as console:
        for keys, call in ((["3"], "c_cyd"), (["up"], "c_ada"), (["["], "c_bob"), (["["], "c_bob"),
                           (["]", "down"], "c_cyd"), (["down", "down"], "c_dan"), (["9"], "c_dan")):  # fmt: skip
            await console.press(*keys)
            assert console.shown_call == call
        await console.pilot.click("CallTable", offset=(20, 2))
        await console.settle()
        assert console.shown_call == "c_ada"


async def test_left_and_right_walk_the_turns_and_f_follows_again(open_console: Any) -> None:
    async with open_console(120, 40) as console:
        await console.press("2")
        assert "turn 2 (latest)" in console.text
        await console.press("left")
        assert "turn 1 ─" in console.text
        assert "▸ eot 180 │ llm 310" in console.text
        await console.press("left", "right", "right", "right")
        assert "turn 2 (latest)" in console.text
        assert "▸ eot" not in console.text


async def test_scrolling_stops_following_and_says_what_is_new(open_console: Any, store: Any) -> None:
    async with open_console(calls="none") as console:
        store.feed(events.CallInitiated(call="c", direction="outbound", from_="+1", to="+15550100123"))

        def say(order: int) -> None:
            message = {"turn_order": order, "transcript": f"line {order}", "end_of_turn": True}
            store.feed(events.SttTurn(call="c", session=1, at="2026-11-21T17:04:00Z", message=message))

        for order in range(60):
            say(order)
        await console.settle()
        assert "line 59" in console.text
        assert "▼ following" in console.text

        await console.press("pageup")
        say(60)
        say(61)
        await console.settle()
        assert "▲ 2 new, f follows" in console.text
        assert "caller  line 61" not in console.text
        top = console.text

        await console.press("home")
        assert "line 0 " in console.text.replace("\n", " ")
        await console.press("f")
        assert "caller  line 61" in console.text
        assert console.text != top
        await console.press("pageup", "end")
        assert "▼ following" in console.text


async def test_the_prompt_runs_commands_and_leaves(open_console: Any) -> None:
    async with open_console() as console:
        await console.press("colon")
        await console.type("hangup 2")
        await console.press("enter")
        assert console.bottom == "hang up +1 555 010 0123? y/n"
        await console.press("y")
        assert console.session.hung_up == ["c_ada"]
        await console.press("colon")
        await console.type("dial +442079460958")
        await console.press("enter")
        assert console.session.dialled == ["+442079460958"]
        await console.press("colon")
        await console.type("jump")
        await console.press("enter")
        assert "There is no command 'jump'" in console.bottom
        await console.press("colon")
        await console.type("hang")
        await console.press("escape", "d")
        assert console.session.dialled == ["+442079460958", "+15550100123"]
        assert console.session.hung_up == ["c_ada"]


async def test_keys_that_follow_each_other_fast_are_not_taken_for_commands(open_console: Any) -> None:
    async with open_console() as console:

        async def at_once(*keys: str) -> None:
            for key in keys:
                console.app.post_message(Key(KEYS.get(key, key), key if len(key) == 1 else None))
            await console.settle()

        await at_once(":", *"hang 2", "enter")
        assert console.bottom == "hang up +1 555 010 0123? y/n"
        assert "agent log" not in console.text
        await at_once("n")
        await at_once("d", "x", "y")
        assert console.session.hung_up == ["c_bob"]
        assert console.session.dialled == ["+15550100123"]


async def test_dialling_at_the_prompt_asks_on_a_live_line_and_checks_the_number(open_console: Any) -> None:
    async with open_console(services=LIVE) as console:
        await console.press("colon")
        await console.type("dial 12")
        await console.press("enter")
        assert "12 is no telephone number" in console.bottom
        await console.press("colon")
        await console.type("dial +15550100199")
        await console.press("enter")
        assert console.bottom == "dial +1 555 010 0199 on the LIVE line? It costs money. y/n"
        await console.press("y")
        assert console.session.dialled == ["+15550100199"]


async def test_the_palette_runs_commands(open_console: Any) -> None:
    async with open_console() as console:
        await console.press("ctrl+p")
        await console.type("restart")
        await console.pilot.pause()
        await console.press("down", "enter")
        await console.settle()
        assert console.bottom == "restart the agent and hang up 3 calls? y/n"
        await console.press("y")
        assert console.session.restarts == 1


async def test_the_log_zoom_and_help_open_and_close(open_console: Any) -> None:
    async with open_console(120, 40) as console:
        await console.press("g")
        assert "agent up (process 48121, port 8790)" in console.text
        await console.press("q", "z")
        assert "last words" not in console.text
        assert "May I have the account number?" in console.text
        await console.press("escape")
        assert "last words" in console.text
        await console.press("question_mark")
        assert isinstance(console.app.screen, HelpScreen)
        await console.press("q")
        assert console.app.screen is console.app.main


async def test_the_event_list_can_show_errors_alone(open_console: Any, store: Any) -> None:
    async with open_console(120, 40) as console:
        await console.press("2")
        store.feed(
            events.Error(call="c_ada", at="2026-11-21T17:04:14.50Z", where="llm", message="The LLM timed out.")
        )
        await console.press("e")
        assert "04:14.50 err  llm: The LLM timed out." in console.text
        assert "speech started" not in console.text
        await console.press("a")
        assert "speech started" in console.text


async def test_quitting_without_live_calls_stops_what_was_started_here(open_console: Any) -> None:
    async with open_console(calls="none") as console:
        await console.pilot.press("ctrl+q")
        await console.pilot.pause()
        assert console.session.closed == (True, False)


@pytest.mark.parametrize(
    ("key", "closed", "hung_up"),
    [("l", (False, False), []), ("h", (True, True), ["c_bob", "c_ada", "c_cyd"]), ("escape", None, [])],
)
async def test_quitting_with_live_calls_asks(
    open_console: Any, key: str, closed: tuple[bool, bool] | None, hung_up: list[str]
) -> None:
    async with open_console() as console:
        await console.press("ctrl+q")
        assert console.bottom == ("3 calls are live: l leave the agent running, h hang up all and stop, esc stay")
        await console.pilot.press(key)
        await console.app.workers.wait_for_complete()
        await console.pilot.pause()
        assert console.session.closed == closed
        assert console.session.hung_up == hung_up


async def test_a_remote_agent_is_left_where_it_is(open_console: Any) -> None:
    async with open_console() as console:
        console.session.remote = "https://agent.example.org"
        await console.press("ctrl+q")
        assert console.bottom == "3 calls are live: l leave them, h hang up all, esc stay"


async def test_quitting_works_above_a_dialog(open_console: Any) -> None:
    async with open_console() as console:
        await console.press("question_mark", "ctrl+q")
        assert console.app.screen is console.app.main
        assert console.bottom.startswith("3 calls are live")


async def test_ctrl_c_says_how_to_leave(open_console: Any) -> None:
    async with open_console() as console:
        await console.press("ctrl+c")
        assert console.bottom.endswith("ctrl+q leaves the console.")


async def test_the_footer_is_clickable_and_shows_only_what_works(open_console: Any) -> None:
    async with open_console(calls="none") as console:
        assert console.text.splitlines()[-2] == (
            " d dial  D dial to  m phone  g log  S sound  R restart  : command  ? help"
        )
        await console.pilot.click("Footer", offset=(2, 0))
        await console.settle()
        assert console.session.dialled == ["+15550100123"]


async def test_the_footer_offers_no_call_without_an_agent(open_console: Any) -> None:
    async with open_console(calls="no agent") as console:
        assert console.text.splitlines()[-2] == " g log  S sound  R restart  : command  ^q quit  ? help"
