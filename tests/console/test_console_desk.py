"""Stepping into calls from the screen: listening, whispering, saying, muting, taking over, recording."""

from __future__ import annotations

from typing import Any

import pytest

from agent import api, events
from console.client import Endpoint
from console.sound import protocol
from console.symbols import ASCII

Golden = Any


def _ada_mono(store: Any) -> int:
    """Nine seconds ago, on the clock of call 2."""
    call = store.calls["c_ada"]
    return call.state.started_mono + int((store.clock() - 9 - call.began) * 1e9)


def listening(console: Any, call: str, **changes: Any) -> None:
    console.session.port.tell(protocol.Listening(call=call, state="open", **changes))


async def on_the_line(console: Any, store: Any) -> None:
    """Take over call 2, and let the agent and the sound process say so."""
    await console.press("2", "o")
    store.feed(
        events.OperatorTookOver(call="c_ada", who="console", at="2026-11-21T17:04:15Z", mono=_ada_mono(store))
    )
    listening(console, "c_ada", speaking="caller")
    console.session.port.tell(protocol.Level(microphone=-18, speaker=-30))
    await console.settle()


@pytest.mark.parametrize(("width", "height"), [(80, 24), (120, 40)])
async def test_taking_over_looks_as_it_was_drawn(
    open_console: Any, store: Any, golden: Golden, width: int, height: int
) -> None:
    async with open_console(width, height) as console:
        store.feed(events.CallRecording(call="c_ada", state="started", at_ms=0, file="c_ada.wav"))
        store.feed(events.OperatorListening(call="c_ada", who="console", listening=True, listeners=2))
        await on_the_line(console, store)
        store.feed(
            events.OperatorWhispered(
                call="c_ada", who="console", text="Offer the Thursday slot first.", at="2026-11-21T17:04:12Z"
            )
        )
        store.feed(
            events.OperatorSpoke(
                call="c_ada", who="console", text="Hello, this is Joan, I am a person.", at="2026-11-21T17:04:15Z"
            )
        )
        await console.settle()
        golden(console, f"on-the-line-{width}x{height}")


def phone(console: Any, state: Any, **fields: Any) -> None:
    console.session.port.tell(protocol.Phone(state=state, **fields))


@pytest.mark.parametrize(("width", "height"), [(80, 24), (120, 40)])
async def test_the_softphone_looks_as_it_was_drawn(
    open_console: Any, store: Any, clock: Any, golden: Golden, width: int, height: int
) -> None:
    async with open_console(width, height) as console:
        await console.press("m")
        console.session.port.tell(console.session.port.devices)
        phone(console, "registered")
        await console.settle()
        if width == 80:
            golden(console, "softphone-ready-80x24")
        await console.press("enter")
        store.calls["c_bob"].state.call_control_id = "v3:me"
        phone(console, "dialling", call_control_id="v3:me")
        phone(console, "talking", call_control_id="v3:me", codec="G722", rate=16000)
        clock.now += 42
        console.session.port.tell(protocol.Level(microphone=-18, speaker=-24))
        console.session.port.tell(protocol.Counters(echo_db=41.2, microphone_ms=20, speaker_ms=25))
        stats = protocol.PhoneStats(round_trip_ms=3.2, jitter_ms=1.2, buffer_ms=40, delay_ms=61, late=1)
        console.session.port.tell(stats)
        await console.press("1", "hash", "space")
        console.session.port.tell(protocol.PhoneKey(digit="5"))
        await console.settle()
        golden(console, f"softphone-{width}x{height}")


async def test_it_rings_so_that_nobody_can_miss_it(open_console: Any, golden: Golden) -> None:
    async with open_console() as console:
        await console.press("m", "escape")
        phone(console, "ringing", from_number="+15550100000", to_number="+15550100190")
        await console.settle()
        golden(console, "ringing-80x24")


async def test_the_player_looks_as_it_was_drawn(open_console: Any, store: Any, golden: Golden) -> None:
    async with open_console() as console:
        store.feed(
            events.CallRecording(
                call="c_dan",
                state="started",
                at_ms=0,
                file="c_dan.wav",
                mono=store.calls["c_dan"].state.started_mono,
            )
        )
        await console.press("4", "r")
        console.session.port.tell(protocol.Playing(state="playing", at_ms=8_000, length_ms=21_000, speed=1.5))
        await console.settle()
        golden(console, "player-80x24")


async def test_the_sound_panel_looks_as_it_was_drawn(open_console: Any, golden: Golden) -> None:
    async with open_console() as console:
        await console.press("S", "down")
        console.session.port.tell(protocol.Level(microphone=-33, speaker=-90))
        console.session.port.tell(protocol.Counters(echo_db=38.0, microphone_ms=20, speaker_ms=25, filled_ms=40))
        await console.settle()
        golden(console, "sound-80x24")


async def test_it_holds_in_ascii(open_console: Any, store: Any, golden: Golden) -> None:
    async with open_console(symbols=ASCII) as console:
        store.feed(events.CallRecording(call="c_ada", state="paused", at_ms=0, file="c_ada.wav"))
        await on_the_line(console, store)
        await console.press("m")
        phone(console, "ringing", from_number="+15550100000")
        await console.settle()
        assert console.text.isascii()
        golden(console, "desk-ascii-80x24")


async def test_l_listens_and_listens_no_more_and_ears_move_with_the_call(open_console: Any) -> None:
    async with open_console() as console:
        port = console.session.port
        await console.press("2", "l")
        (order,) = port.sent(protocol.Listen)
        assert (order.call, order.who, order.ears, order.token) == ("c_ada", "console", "mix", "let me in")
        assert "♪ connecting" in console.text
        listening(console, "c_ada")
        await console.settle()
        assert "♪ you listen" in console.text
        assert "l unlisten" in console.text

        await console.press("L")
        assert port.sent(protocol.Listen)[-1].ears == "split"
        assert "♪ you listen left/right" in console.text
        await console.press("1", "l")
        assert [order.call for order in port.sent(protocol.Unlisten)] == ["c_ada"]
        assert port.sent(protocol.Listen)[-1].call == "c_bob"
        await console.press("l")
        assert port.sent(protocol.Unlisten)[-1].call == "c_bob"
        assert console.store.sound.ears is None


async def test_ears_say_why_they_are_of_no_use(open_console: Any) -> None:
    async with open_console() as console:
        await console.press("L")
        assert console.bottom.endswith("ears: you do not listen to the selected call; l does.")
        await console.press("3", "l")
        assert console.bottom.endswith("listen: nobody has answered the call yet.")


async def test_one_key_takes_over_and_one_key_hands_back_whatever_is_selected(
    open_console: Any, store: Any
) -> None:
    async with open_console() as console:
        port = console.session.port
        await on_the_line(console, store)
        assert console.session.stepped_in == [("c_ada", "take_over", "")]
        assert [(order.call, order.to) for order in port.sent(protocol.Speak)] == [("c_ada", "caller")]
        assert "YOU ARE ON THE LINE" in console.text

        await console.press("1")
        assert "YOU ARE ON THE LINE" in console.text
        await console.press("o")
        assert console.session.stepped_in[-1] == ("c_ada", "hand_back", "")
        assert port.sent(protocol.Speak)[-1].to == "nobody"
        assert "YOU ARE ON THE LINE" not in console.text


@pytest.mark.parametrize("panel", ["m", "S", "t"])
async def test_the_key_that_hands_back_works_above_every_panel(open_console: Any, store: Any, panel: str) -> None:
    async with open_console() as console:
        await on_the_line(console, store)
        await console.press(panel, "o")
        assert console.session.stepped_in[-1] == ("c_ada", "hand_back", "")
        assert "YOU ARE ON THE LINE" not in console.text


async def test_nobody_takes_over_without_a_microphone(open_console: Any) -> None:
    async with open_console() as console:
        fix = "sudo apt install libportaudio2"
        console.session.port.devices = protocol.Devices(
            backend="none", devices=[], problem="There is no microphone.", fix=fix
        )
        await console.press("2", "o")
        assert console.session.stepped_in == []
        assert console.bottom.endswith(f"There is no microphone. {fix}")
        await console.press("l")
        assert console.session.port.sent(protocol.Listen) == []
        assert console.bottom.endswith(f"There is no microphone. {fix}")


async def test_what_the_agent_refuses_leaves_the_microphone_closed(open_console: Any) -> None:
    async with open_console() as console:
        console.session.refusal = "bob holds this call already."
        await console.press("2", "o")
        assert console.bottom == "04:15 error bob holds this call already."
        assert console.session.port.sent(protocol.Speak) == []


async def test_somebody_elses_call_is_given_back_after_asking(open_console: Any, store: Any) -> None:
    async with open_console() as console:
        await console.press("2")
        store.feed(events.OperatorTookOver(call="c_ada", who="bob"))
        await console.settle()
        assert "bob on the line" in console.text
        await console.press("o")
        assert console.bottom == "bob holds this call: give it back to the agent? y/n"
        await console.press("y")
        assert console.session.stepped_in == [("c_ada", "hand_back", "")]


async def test_the_microphone_closes_when_the_agent_takes_the_call_back(open_console: Any, store: Any) -> None:
    async with open_console() as console:
        await on_the_line(console, store)
        back = events.OperatorHandedBack(call="c_ada", who="console", held_ms=9_000, reason="lost")
        store.feed(back)
        console.session.sound.happened(back)
        await console.settle()
        assert console.session.port.sent(protocol.Speak)[-1].to == "nobody"
        assert "YOU ARE ON THE LINE" not in console.text


async def test_quitting_while_on_the_line_asks_to_hand_back_first(open_console: Any, store: Any) -> None:
    async with open_console() as console:
        await on_the_line(console, store)
        await console.press("ctrl+q")
        assert console.bottom.startswith("you speak in call 2 to +1 555 010 0123: h hand back")
        await console.press("escape")
        assert console.session.stepped_in == [("c_ada", "take_over", "")]
        await console.press("ctrl+q", "h")
        assert console.session.stepped_in[-1] == ("c_ada", "hand_back", "")
        assert console.bottom.startswith("3 calls are live")


async def test_whispers_are_typed_or_spoken(open_console: Any, store: Any) -> None:
    async with open_console() as console:
        port = console.session.port
        await console.press("2", "w")
        assert " Enter whisper it  Tab speak it  Esc leave" in console.text
        await console.type("Offer Thursday.")
        await console.press("enter")
        assert console.session.stepped_in == [("c_ada", "whisper", "Offer Thursday.")]

        await console.press("w", "tab")
        assert [(order.call, order.to) for order in port.sent(protocol.Speak)] == [("c_ada", "agent")]
        assert "YOU WHISPER TO THE AGENT" in console.text
        whispered = events.OperatorWhispered(call="c_ada", who="console", text="offer thursday", spoken=True)
        store.feed(whispered)
        await console.settle()
        assert "console offer thursday" in console.text
        await console.press("w")
        assert port.sent(protocol.Speak)[-1].to == "nobody"
        assert "YOU WHISPER" not in console.text


async def test_say_and_mute_reach_the_agent_and_the_mute_is_not_forgotten(open_console: Any, store: Any) -> None:
    async with open_console() as console:
        await console.press("2", "s")
        await console.type("One moment please.")
        await console.press("enter", "M")
        assert console.session.stepped_in == [("c_ada", "say", "One moment please."), ("c_ada", "mute", "")]
        store.feed(events.OperatorMuted(call="c_ada", who="console", muted=True))
        await console.press("1")
        assert "YOU MUTED THE AGENT  call 2" in console.text
        assert "muted     00:17" in console.text
        await console.press("2", "M")
        assert console.session.stepped_in[-1] == ("c_ada", "unmute", "")


@pytest.mark.parametrize(("state", "action"), [("started", "pause"), ("paused", "resume"), ("stopped", "start")])
async def test_p_pauses_resumes_or_begins_the_recording(
    open_console: Any, store: Any, state: Any, action: str
) -> None:
    async with open_console() as console:
        await console.press("2")
        store.feed(events.CallRecording(call="c_ada", state=state, at_ms=0, file="c_ada.wav"))
        await console.press("p")
        assert console.session.recorded == [("c_ada", action)]


async def test_a_paused_recording_is_marked_in_words(open_console: Any, store: Any) -> None:
    async with open_console() as console:
        await console.press("2")
        store.feed(events.CallRecording(call="c_ada", state="started", at_ms=0, file="c_ada.wav"))
        await console.settle()
        assert "● REC" in console.text.splitlines()[0]
        store.feed(events.CallRecording(call="c_ada", state="paused", at_ms=900, file="c_ada.wav", who="bob"))
        await console.settle()
        assert "‖" in console.text.splitlines()[0]
        assert "‖ REC paused" in console.text
        assert "bob paused the recording" in console.text


async def test_the_player_moves_through_the_transcript(open_console: Any, store: Any) -> None:
    async with open_console() as console:
        port = console.session.port
        await console.press("4", "r")
        assert console.bottom.endswith("play: the selected call was not recorded.")
        started = events.CallRecording(
            call="c_dan", state="started", at_ms=0, file="c_dan.wav", mono=store.calls["c_dan"].state.started_mono
        )
        store.feed(started)
        await console.press("r")
        (order,) = port.sent(protocol.Play)
        assert (order.url, order.token) == ("http://127.0.0.1:8790/calls/c_dan/recording", "let me in")

        def at(at_ms: int, **changes: Any) -> None:
            port.tell(protocol.Playing(state="playing", at_ms=at_ms, length_ms=21_000, **changes))

        at(8_000)
        await console.settle()
        assert "▸01:05 agent" in console.text
        await console.press("right")
        moved = port.sent(protocol.Player)[-1].at_ms
        assert moved > 8_000
        at(moved)
        await console.settle()
        assert "▸01:13 caller" in console.text
        await console.press("left", "plus", "space")
        back, faster, paused = port.sent(protocol.Player)[-3:]
        assert (back.at_ms < 8_000, faster.speed, paused.paused) == (True, 1.25, True)
        await console.press("escape")
        assert len(port.sent(protocol.StopPlaying)) == 1
        assert "▸01:13" not in console.text


async def test_the_softphone_calls_the_agent_and_sends_keys(open_console: Any, store: Any) -> None:
    async with open_console() as console:
        port = console.session.port
        await console.press("m")
        (registered,) = port.sent(protocol.OpenPhone)
        assert (registered.number, registered.token) == ("+15550100190", "let me in")
        phone(console, "registered")
        await console.press("enter")
        assert port.sent(protocol.Dial)[0].order == {
            "from": "+15550100190", "to": "+15550100000", "codec": "G722",
            "texml_url": "http://127.0.0.1:8790/texml?band=hd",
        }  # fmt: skip
        store.calls["c_ada"].state.call_control_id = "v3:me"
        phone(console, "talking", call_control_id="v3:me", codec="G722", rate=16000)
        await console.settle()
        assert console.shown_call == "c_ada"
        await console.press("5", "asterisk", "number_sign", "space")
        assert [order.digit for order in port.sent(protocol.Key)] == ["5", "*", "#"]
        assert port.sent(protocol.Hold)[-1].on
        assert "MUTED" in console.text
        await console.press("space")
        assert not port.sent(protocol.Hold)[-1].on
        await console.press("x")
        assert len(port.sent(protocol.HangUp)) == 1


async def test_the_softphone_rings_with_the_panel_closed(open_console: Any) -> None:
    async with open_console() as console:
        port = console.session.port
        await console.press("enter")
        assert console.bottom.endswith("accept: the softphone does not ring.")
        await console.press("m", "d")
        assert console.session.dialled == ["+15550100190"]
        await console.press("escape")
        phone(console, "ringing", from_number="+15550100000")
        await console.settle()
        assert "+1 555 010 0000 calls you" in console.text
        await console.press("backspace")
        assert len(port.sent(protocol.Decline)) == 1
        await console.press("enter")
        assert len(port.sent(protocol.Accept)) == 1
        assert "softphone ·" in console.text


async def test_there_is_no_softphone_on_a_live_line(open_console: Any) -> None:
    live = {"line": "LIVE", "stt": "LIVE", "llm": "LIVE", "tts": "LIVE"}
    async with open_console(services=live) as console:
        await console.press("m")
        assert "the line is LIVE, and the softphone is for the simulated one" in console.text


async def test_devices_are_chosen_by_name_and_remembered(open_console: Any) -> None:
    async with open_console(120, 40) as console:
        port = console.session.port
        await console.press("S", "down", "down", "enter")
        assert port.sent(protocol.Configure)[-1].microphone == "Headset"
        assert console.session.preferences.device("microphone") == "Headset"
        await console.press("e", "h")
        changed = port.sent(protocol.Configure)[-1]
        assert (changed.microphone, changed.echo, changed.headset) == ("Headset", "on", True)
        assert port.sent(protocol.Meter)[-1].on
        await console.press("escape")
        assert not port.sent(protocol.Meter)[-1].on


async def test_only_the_banner_and_the_panel_follow_the_levels(
    open_console: Any, store: Any, monkeypatch: Any
) -> None:
    async with open_console() as console:
        await on_the_line(console, store)
        drawn: list[str] = []
        for widget in console.app.main.query("Lines, Following"):
            name = type(widget).__name__
            monkeypatch.setattr(widget, "refresh", lambda *_, name=name, **__: drawn.append(name))
        console.session.port.tell(protocol.Level(microphone=-6, speaker=-90))
        console.app.main.draw()
        assert drawn == ["Banner"]


async def test_a_sound_process_that_died_is_started_again_with_what_was_open(
    open_console: Any, store: Any
) -> None:
    async with open_console() as console:
        port = console.session.port
        await on_the_line(console, store)
        port.running = False
        port.tell(protocol.Trouble(message="The sound process was ended by SIGKILL.", fix="Try again."))
        await console.settle()
        assert "NOT CONNECTED YET" in console.text
        assert console.bottom.endswith("The sound process was ended by SIGKILL. Try again.")
        del port.orders[:]
        console.session.sound.start_again()
        assert [type(order).__name__ for order in port.orders] == ["Listen", "Speak", "ListDevices"]


async def test_what_a_new_snapshot_no_longer_holds_is_let_go_of(
    open_console: Any, store: Any, health: Any
) -> None:
    async with open_console() as console:
        await on_the_line(console, store)
        store.calls["c_ada"].state.desk.held_by = ""
        console.session.sound.settle()
        assert console.session.port.sent(protocol.Speak)[-1].to == "nobody"
        store.feed(api.Snapshot(99, "fell_behind", health(), []))
        console.session.sound.settle()
        assert [order.call for order in console.session.port.sent(protocol.Unlisten)] == ["c_ada"]


async def test_the_softphone_registers_with_a_new_simulator(open_console: Any) -> None:
    async with open_console() as console:
        await console.session.sound.simulator_up()
        assert console.session.port.sent(protocol.OpenPhone) == []
        await console.press("m")
        console.session.simulator = Endpoint("http://127.0.0.1:1", "another token")
        await console.session.sound.simulator_up()
        assert [order.token for order in console.session.port.sent(protocol.OpenPhone)] == [
            "let me in", "another token",
        ]  # fmt: skip


async def test_words_typed_as_a_call_ends_are_no_commands(open_console: Any, store: Any) -> None:
    async with open_console() as console:
        await console.press("2")
        store.feed(events.CallEnded(call="c_ada", cause="normal_clearing", source="callee", duration_ms=1))
        await console.press("s", "d", "o", "M", "m", "enter")

        assert console.session.stepped_in == []
        assert console.session.dialled == []
        assert store.notice.text == "say: the selected call has ended already."
