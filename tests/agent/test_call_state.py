from __future__ import annotations

import msgspec

from agent import call_state, events
from agent.call_state import CallState
from agent.events import Event

AT = "2026-11-21T17:04:31.000Z"


def turn(
    text: str, *, order: int = 0, final: bool = False, confidence: float = 0.0, session: int = 1, **extra: object
) -> Event:
    message = {
        "type": "Turn",
        "turn_order": order,
        "end_of_turn": final,
        "transcript": text,
        "end_of_turn_confidence": confidence,
    }
    return events.SttTurn(session=session, message={**message, **extra})


def folded(*stream: Event) -> CallState:
    begin: list[Event] = [
        events.CallInitiated(direction="outbound", from_="+15550100000", to="+15550100123", mono=1_000, at=AT),
        events.CallAnswered(mono=2_000),
    ]
    return call_state.fold("c_1", begin + list(stream))


def test_partials_of_a_turn_rewrite_one_line_and_the_final_firms_it() -> None:
    state = folded(turn("half"), turn("half past three"), turn("Half past three.", final=True, confidence=1.0))

    (line,) = state.lines
    assert (line.who, line.text, line.final, line.confidence) == ("caller", "Half past three.", True, 1.0)


def test_a_reconnected_session_counts_turns_from_zero_again_without_overwriting() -> None:
    state = folded(turn("First.", final=True), turn("Second", session=2))

    assert [line.text for line in state.lines] == ["First.", "Second"]


def test_an_empty_transcript_makes_no_line() -> None:
    assert folded(turn(""), turn("", final=True)).lines == []


def test_rough_words_carry_their_label() -> None:
    played = {"recogniser": "pocketsphinx", "rough": True}
    assert folded(turn("may be", simulator=played)).lines[0].mark == "rough"
    assert folded(turn("may be", simulator={**played, "rough": False})).lines[0].mark == ""


def test_a_turn_that_the_new_connection_hears_again_rewrites_its_line() -> None:
    state = folded(
        turn("I would like"),
        events.SttSplit(session=1, text="I would like", replayed_ms=900),
        turn("I would like to move", session=2),
        turn("I would like to move it.", session=2, final=True),
        turn("Please.", session=2, order=1, final=True),
    )

    assert [(line.text, line.mark, line.final) for line in state.lines] == [
        ("I would like to move it.", "split", True),
        ("Please.", "", True),
    ]


def test_of_a_turn_that_nobody_hears_again_both_halves_are_marked() -> None:
    state = folded(
        turn("I would like"),
        events.SttSplit(session=1, text="I would like", replayed_ms=0),
        turn("to move it.", session=2, final=True),
    )

    assert [(line.text, line.mark, line.final) for line in state.lines] == [
        ("I would like", "split", True),
        ("to move it.", "split", True),
    ]


def test_what_an_operator_changes_is_a_note_and_what_a_new_connection_is_given_again_is_none() -> None:
    fields = {"min_turn_silence": 600, "keyterms_prompt": ["Ada", "clinic"]}
    state = folded(
        events.SttTuned(session=1, who="console", fields=fields, ignored={"mode": "this model has none"}),
        events.SttTuned(session=1, who="console", end_turn=True),
        events.SttTuned(session=2, who="agent", fields=fields),
    )

    assert [(line.who, line.text) for line in state.lines] == [
        ("note", "operator set min_turn_silence 600, keyterms_prompt Ada, clinic; mode: this model has none"),
        ("note", "operator ended the turn"),
    ]
    assert state.listening.tuned == fields


def test_the_turns_that_were_heard_are_part_of_the_state() -> None:
    state = folded(
        turn("Hello.", final=True),
        events.TurnUserStopped(turn=1, text="Hello.", decided_by="assemblyai", silence_ms=180),
    )

    assert [(heard.transcript, heard.turn) for heard in state.listening.heard] == [("Hello.", 1)]
    assert msgspec.convert(msgspec.to_builtins(state), CallState) == state


def test_sentences_of_one_answer_share_a_line_until_it_was_played() -> None:
    state = folded(
        events.TtsRequest(turn=1, text="Of course. "),
        events.TurnAgentStarted(turn=1),
        events.TtsRequest(turn=1, text="Which day?"),
    )
    assert [(line.who, line.text, line.final) for line in state.lines] == [
        ("agent", "Of course. Which day?", False)
    ]
    assert state.phase == "speaking"

    call_state.apply(state, events.TurnAgentStopped(turn=1, text="Of course. Which day?", audio_ms=1800))
    call_state.apply(state, events.TtsRequest(turn=1, text="Hello?"))

    assert [line.text for line in state.lines] == ["Of course. Which day?", "Hello?"]
    assert state.lines[0].final
    assert state.turns[-1].answer_ms == 1800


def test_a_barge_in_leaves_what_was_heard_and_says_so_before_the_callers_words() -> None:
    state = folded(
        events.TtsRequest(turn=2, text="I can do two o'clock or half past three."),
        events.TurnAgentStarted(turn=2),
        turn("wait", order=4),
        events.TurnInterrupted(
            turn=2, said="I can do two o'clock or half past three.", heard="I can do two", heard_ms=900
        ),
    )

    assert [line.who for line in state.lines] == ["agent", "note", "caller"]
    assert state.lines[0].text == "I can do two—"
    assert "after 0.9 s (heard 12 of 40 characters)" in state.lines[1].text
    assert state.turns[-1].interrupted


def test_a_tool_line_is_completed_by_its_return() -> None:
    state = folded(
        events.ToolCalled(turn=1, tool_call_id="t1", name="find_slots", arguments={"day": "2026-11-26"}),
        events.ToolReturned(turn=1, tool_call_id="t1", name="find_slots", ok=True, summary="3 slots", took_ms=240),
    )

    (line,) = state.lines
    assert (line.text, line.took_ms, line.final) == ("find_slots(day=2026-11-26) → 3 slots", 240, True)


def test_latency_belongs_to_its_turn() -> None:
    parts = {"end_of_turn": 180, "llm_first_token": 310, "tts_first_audio": 140, "first_media": 182}
    state = folded(
        events.TurnUserStarted(turn=1),
        turn("Hello.", final=True),
        events.TurnUserStopped(turn=1, text="Hello.", decided_by="assemblyai", silence_ms=180, confidence=1.0),
        events.TurnLatency(turn=1, total_ms=812, parts=parts),
    )

    assert state.phase == "thinking"
    assert state.latencies_ms() == [812]
    assert state.turns[0].parts == parts
    assert state.lines[0].turn == 1


def test_phases_follow_the_call() -> None:
    state = CallState("c_1")
    seen = []
    for event in (
        events.CallInitiated(direction="outbound", from_="+1", to="+2"),
        events.CallRinging(),
        events.CallAnswered(),
        events.TurnUserStarted(turn=1),
        events.TurnUserStopped(turn=1, text="x", decided_by="vad", silence_ms=1),
        events.TurnAgentStarted(turn=1),
        events.TurnAgentStopped(turn=1, text="y", audio_ms=1),
        events.CallEnded(cause="normal_clearing", source="callee", duration_ms=5),
        events.CallRinging(),
        events.TurnUserStarted(turn=2),
    ):
        seen.append(call_state.apply(state, event).phase)

    assert (
        seen == ["dialing", "ringing", "listening", "hearing", "thinking", "speaking", "listening"] + ["ended"] * 3
    )
    assert (state.cause, state.ended_by, state.duration_ms, state.live) == ("normal_clearing", "callee", 5, False)


def test_an_agent_in_an_operators_hands_does_not_think_after_a_turn() -> None:
    state = folded(
        events.TtsRequest(turn=0, text="Hello, this is Ada."),
        events.TurnAgentStarted(turn=0),
        events.TurnInterrupted(turn=0, said="Hello, this is Ada.", heard="Hello,", heard_ms=400, by="operator"),
        events.OperatorMuted(who="ann", muted=True),
        events.OperatorTookOver(who="ann"),
        events.TurnUserStopped(turn=1, text="Hello?", decided_by="assemblyai", silence_ms=180),
    )

    assert state.phase == "listening"
    assert (state.desk.muted_by, state.desk.held_by) == ("", "ann")
    assert state.lines[1].text.startswith("an operator cut in after 0.4 s")


def test_errors_are_notes_and_are_counted() -> None:
    state = folded(
        events.Error(where="tts", message="The voice service gave no audio within 6 s."),
        events.SttError(session=1, code=3006, text="Invalid JSON", final=True),
    )

    assert [line.mark for line in state.lines] == ["✗", "✗"]
    assert len(state.errors) == 2
    assert "3006" in state.lines[1].text


def test_a_long_call_keeps_a_bounded_transcript() -> None:
    state = folded(*(turn(f"line {n}", order=n, final=True) for n in range(call_state.MAX_LINES + 5)))

    assert len(state.lines) <= call_state.MAX_LINES
    assert state.lines[-1].text == f"line {call_state.MAX_LINES + 4}"


def test_unknown_events_change_nothing_but_the_sequence() -> None:
    state = folded()
    call_state.apply(state, events.Unknown(seq=99, original="new", fields={}))

    assert state.last_seq == 99
    assert state.phase == "listening"
