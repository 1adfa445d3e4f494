from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from agent import events
from agent.events import Event
from agent.turns import Turns

MS = 1_000_000
T = TypeVar("T", bound=Event)


@dataclass
class Line:
    """A play-out that the test moves by hand."""

    sent_ms: float = 0
    played: float = 0

    def played_ms(self, now: int) -> float:
        return self.played


class Told:
    def __init__(self) -> None:
        self.events: list[Event] = []

    def __call__(self, event: Event) -> None:
        self.events.append(event)

    def of(self, kind: type[T]) -> list[T]:
        return [event for event in self.events if isinstance(event, kind)]


def answered(turns: Turns, line: Line, *, text: str, audio_ms: float, at: int) -> None:
    turns.llm_asked(at, "m", 2)
    turns.llm_token(at + 310 * MS, text)
    turns.tts_asked(at + 320 * MS, text)
    turns.tts_audio(at + 450 * MS, audio_ms)
    turns.tts_done()
    turns.media_sent(at + 460 * MS)
    line.sent_ms += audio_ms


def test_latency_is_split_from_the_last_voice_to_the_first_frame_and_adds_up() -> None:
    told, line = Told(), Line()
    turns = Turns(told, line)
    turns.user_started()
    turns.user_stopped("Hi.", decided_by="assemblyai", declared=1_180 * MS, last_voiced=1_000 * MS, confidence=1.0)
    answered(turns, line, text="Hello there.", audio_ms=800, at=1_180 * MS)

    (stopped,), (latency,) = told.of(events.TurnUserStopped), told.of(events.TurnLatency)
    assert stopped.silence_ms == 180
    assert latency.parts == {"end_of_turn": 180, "llm_first_token": 310, "tts_first_audio": 140, "first_media": 10}
    assert latency.total_ms == sum(latency.parts.values()) == 640
    assert latency.turn == 1


def test_latency_is_told_once_even_when_the_line_is_faster_than_the_report_of_the_tts() -> None:
    told, line = Told(), Line()
    turns = Turns(told, line)
    turns.user_stopped("Hi.", decided_by="vad", declared=100 * MS, last_voiced=50 * MS)
    turns.tts_asked(200 * MS, "Hello.")
    turns.media_sent(300 * MS)
    assert not told.of(events.TurnLatency)
    turns.tts_audio(290 * MS, 20)
    turns.tts_audio(310 * MS, 20)

    (latency,) = told.of(events.TurnLatency)
    assert latency.total_ms == 250


def test_the_greeting_has_no_latency() -> None:
    told, line = Told(), Line()
    turns = Turns(told, line)
    answered(turns, line, text="Welcome.", audio_ms=500, at=0)

    assert told.of(events.TurnAgentStarted)[0].turn == 0
    assert not told.of(events.TurnLatency)


def test_a_barge_in_tells_the_words_that_were_played() -> None:
    told, line = Told(), Line(sent_ms=5_000, played=5_000)
    turns = Turns(told, line)
    turns.user_stopped("When?", decided_by="assemblyai", declared=0, last_voiced=0)
    text = "I can do two o'clock or half past three."
    answered(turns, line, text=text, audio_ms=4_000, at=0)
    line.played = 5_000 + 1_500
    turns.user_started()
    turns.interrupted(MS)

    (cut,) = told.of(events.TurnInterrupted)
    assert (cut.turn, cut.said, cut.heard, cut.heard_ms) == (1, text, "I can do two", 1_500)
    assert turns.last_heard == "I can do two"
    assert not told.of(events.TurnAgentStopped)


def test_a_barge_in_before_any_audio_was_heard() -> None:
    told, line = Told(), Line()
    turns = Turns(told, line)
    turns.tts_asked(MS, "Of course.")
    turns.interrupted(MS)

    assert told.of(events.TurnInterrupted)[0].heard == ""


def test_audio_still_coming_is_not_taken_for_all_of_it() -> None:
    told, line = Told(), Line()
    turns = Turns(told, line)
    text = "word " * 40
    turns.tts_asked(MS, text)
    turns.tts_audio(MS, 1_000)
    turns.media_sent(MS)
    line.sent_ms = line.played = 1_000
    turns.interrupted(MS)

    heard = told.of(events.TurnInterrupted)[0].heard
    assert 5 <= len(heard) <= 20


def test_an_answer_in_two_parts_is_told_whole_when_it_was_played() -> None:
    told, line = Told(), Line()
    turns = Turns(told, line)
    turns.tts_asked(MS, "Of course. ")
    turns.tts_audio(MS, 600)
    turns.media_sent(MS)
    turns.tts_asked(MS, " Which day?")
    turns.tts_audio(MS, 400)
    turns.agent_stopped()
    turns.agent_stopped()

    (stopped,) = told.of(events.TurnAgentStopped)
    assert (stopped.text, stopped.audio_ms) == ("Of course. Which day?", 1_000)


def test_a_turn_counts_once_however_often_it_starts() -> None:
    told = Told()
    turns = Turns(told, Line())
    turns.user_started()
    turns.user_started()
    turns.user_stopped("a", decided_by="vad", declared=0, last_voiced=0)
    turns.user_stopped("b", decided_by="vad", declared=0, last_voiced=0)

    assert [event.turn for event in told.of(events.TurnUserStarted)] == [1, 2]
    assert [(event.turn, event.text) for event in told.of(events.TurnUserStopped)] == [(1, "a"), (2, "b")]


def test_a_silent_tts_is_noticed() -> None:
    turns = Turns(Told(), Line())
    turns.tts_asked(MS, "Hello.")
    assert not turns.waiting_for_audio(1_000 * MS, 6)
    assert turns.waiting_for_audio(6_001 * MS, 6)
    turns.tts_audio(MS, 20)
    assert not turns.waiting_for_audio(6_001 * MS, 6)


def test_what_an_operator_cut_off_leaves_nothing_behind() -> None:
    told, line = Told(), Line()
    turns = Turns(told, line)
    turns.user_stopped("Hi.", decided_by="assemblyai", declared=1_000 * MS, last_voiced=900 * MS)
    answered(turns, line, text="Hello there.", audio_ms=800, at=1_000 * MS)
    line.played = 400
    turns.silenced(1_500 * MS)
    turns.tts_asked(1_501 * MS, "How are you?")
    turns.tts_audio(1_502 * MS, 500)
    turns.agent_stopped()
    turns.let_speak(2_000 * MS)
    turns.tts_audio(1_999 * MS, 500)
    turns.tts_asked(2_001 * MS, "One moment.")
    turns.tts_audio(2_010 * MS, 600)
    turns.media_sent(2_020 * MS)
    turns.agent_stopped()

    (cut,) = told.of(events.TurnInterrupted)
    assert (cut.by, cut.said, cut.heard) == ("operator", "Hello there.", "Hello")
    (stopped,) = told.of(events.TurnAgentStopped)
    assert (stopped.text, stopped.audio_ms) == ("One moment.", 600)
    assert [event.took_ms for event in told.of(events.TtsFirstAudio)] == [130, 9]
    assert len(told.of(events.TurnLatency)) == 1


def test_a_turn_that_an_operator_kept_waiting_says_nothing_of_the_agents_speed() -> None:
    told, line = Told(), Line()
    turns = Turns(told, line)
    turns.silenced(MS)
    turns.user_stopped("Hi.", decided_by="assemblyai", declared=1_000 * MS, last_voiced=900 * MS)
    turns.let_speak(9_000 * MS)
    answered(turns, line, text="Hello there.", audio_ms=800, at=9_000 * MS)
    turns.user_stopped("And?", decided_by="assemblyai", declared=12_000 * MS, last_voiced=11_900 * MS)
    answered(turns, line, text="Nothing.", audio_ms=800, at=12_000 * MS)

    assert [(latency.turn, latency.total_ms) for latency in told.of(events.TurnLatency)] == [(2, 560)]
