"""What the console makes of the sound process's reports, and where lines are in a recording."""

from __future__ import annotations

from typing import Any

import pytest

from agent import events
from agent.call_state import CallState, apply
from console import playback
from console.operator_name import operator_name
from console.sound import protocol
from console.sound_state import Ears, Played, SoundState


@pytest.fixture
def drawn() -> list[str]:
    return []


@pytest.fixture
def sound(clock: Any, drawn: list[str]) -> SoundState:
    return SoundState(clock, lambda: drawn.append("all"))


def test_levels_counters_and_places_only_move(sound: SoundState, drawn: list[str]) -> None:
    sound.played, sound.ears = Played("c", state="playing"), Ears("c", "mix")
    for report in (
        protocol.Level(microphone=-18, speaker=-30),
        protocol.Counters(echo_db=40.0),
        protocol.PhoneStats(round_trip_ms=3),
        protocol.ListeningStats(call="c", behind_ms=97, buffer_ms=40),
        protocol.Playing(state="playing", at_ms=900, length_ms=21_000),
    ):
        assert sound.feed(report) == ""
        assert sound.take_moves()
    assert drawn == []
    assert not sound.take_moves()
    assert (sound.microphone_db, sound.speaker_db) == (-18, -30)
    assert sound.ears.stats is not None
    assert (sound.ears.stats.behind_ms, sound.played.at_ms) == (97, 900)


def test_only_the_last_levels_are_kept(sound: SoundState) -> None:
    for level in range(100):
        sound.feed(protocol.Level(microphone=-level, speaker=-90))
    assert [microphone for microphone, _ in sound.levels] == list(range(-92, -100, -1))


def test_a_lost_device_is_told_with_its_fix_and_forgotten_when_it_is_back(sound: SoundState) -> None:
    told = sound.feed(
        protocol.DeviceChanged(
            kind="microphone", state="lost", name="Headset", message="Headset was unplugged.", fix="Plug it in."
        )
    )
    assert told == "Headset was unplugged. Plug it in."
    assert (sound.problem, sound.lost["microphone"].name) == ("Headset was unplugged.", "Headset")
    back = protocol.DeviceChanged(kind="microphone", state="back", name="Headset", message="Headset is back.")
    assert sound.feed(back) == "Headset is back."
    assert (sound.problem, sound.lost) == ("", {})


def test_no_device_is_a_problem_with_its_fix(sound: SoundState) -> None:
    none = protocol.Devices(backend="none", devices=[], problem="PortAudio is missing.", fix="Install it.")
    assert sound.feed(none) == "PortAudio is missing. Install it."
    assert (sound.problem, sound.fix) == ("PortAudio is missing.", "Install it.")


def test_a_new_call_of_the_softphone_begins_afresh(sound: SoundState, clock: Any) -> None:
    sound.phone.muted = True
    sound.phone.keys.append(("out", "5"))
    clock.now += 5
    sound.feed(protocol.Phone(state="ringing", from_number="+15550100000"))
    assert (sound.phone.ringing, sound.phone.busy, sound.phone.muted) == (True, True, False)
    assert (list(sound.phone.keys), sound.phone.since) == ([], clock.now)
    assert sound.feed(protocol.Phone(state="ended", message="The TeXML could not be fetched.")) == (
        "The TeXML could not be fetched."
    )
    assert not sound.phone.busy


def test_reports_of_a_call_that_is_not_listened_to_change_nothing(sound: SoundState) -> None:
    sound.ears = Ears("c", "split")
    sound.feed(protocol.Listening(call="other", state="closed"))
    assert sound.ears is not None
    sound.feed(protocol.Listening(call="c", state="open"))
    assert sound.ears.open
    sound.feed(protocol.Listening(call="c", state="closed", message="The call is over."))
    assert sound.ears is None


def test_a_recording_that_closes_is_no_more(sound: SoundState) -> None:
    sound.played = Played("c")
    told = sound.feed(protocol.Playing(state="closed", at_ms=0, length_ms=0, message="There is no recording."))
    assert told == "There is no recording."
    assert sound.played is None


def recorded_call() -> CallState:
    """Recorded from 2 s after its start on, with a greeting, a turn and a tool."""
    state = CallState("c", started_at="2026-11-21T17:00:00Z", started_mono=50_000_000_000)
    at = "2026-11-21T17:00:{:06.3f}Z".format
    for event in (
        events.CallRecording(state="started", at_ms=0, file="c.wav", mono=52_000_000_000),
        events.TtsRequest(turn=0, text="Hello.", at=at(2.5), mono=52_500_000_000),
        events.TurnUserStarted(turn=1, at=at(6.0), mono=56_000_000_000),
        events.SttTurn(session=1, message={"turn_order": 0, "transcript": "Hi"}, at=at(6.8), mono=56_800_000_000),
        events.TurnUserStopped(turn=1, text="Hi", decided_by="vad", silence_ms=100, mono=57_000_000_000),
        events.ToolCalled(turn=1, tool_call_id="1", name="find", arguments={}, at=at(7.5), mono=57_500_000_000),
        events.TtsRequest(turn=1, text="Yes?", at=at(9.0), mono=59_000_000_000),
    ):
        apply(state, event)
    return state


def test_lines_are_found_in_the_recording_by_the_agents_clock() -> None:
    places = [(at_ms, line.text) for at_ms, line in playback.places(recorded_call())]
    assert places == [(500, "Hello."), (3_700, "Hi"), (5_500, "find()"), (7_000, "Yes?")]


@pytest.mark.parametrize(
    ("at_ms", "text"), [(0, None), (500, "Hello."), (3_699, "Hello."), (4_000, "Hi"), (60_000, "Yes?")]
)
def test_the_line_that_is_heard(at_ms: int, text: str | None) -> None:
    line = playback.line_at(recorded_call(), at_ms)
    assert (line.text if line is not None else None) == text


@pytest.mark.parametrize(
    ("at_ms", "step", "to"),
    [(0, 1, 500), (500, 1, 3_700), (7_000, 1, 7_000), (6_000, -1, 3_700), (7_500, -1, 3_700), (700, -1, 0)],
)
def test_left_and_right_go_to_what_was_said(at_ms: int, step: int, to: int) -> None:
    assert playback.turn_from(recorded_call(), at_ms, step) == to


def test_the_operator_has_a_name_that_fits_a_line_and_an_address(monkeypatch: pytest.MonkeyPatch) -> None:
    assert operator_name({"SIDETONE_OPERATOR": "  Joan O\u202e'Hara\n"}) == "Joan OHara"
    assert len(operator_name({"SIDETONE_OPERATOR": "x" * 200})) == 32
    monkeypatch.setenv("LOGNAME", "ada")
    assert operator_name({}) == "ada"
    monkeypatch.setattr("getpass.getuser", lambda: (_ for _ in ()).throw(OSError))
    assert operator_name({}) == "console"
