from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from agent import api, call_state, events
from agent.call_state import CallState
from agent.events import Event
from console.process_state import ProcessState
from console.store import MAX_ENDED, MAX_EVENTS, MAX_LOG, Store

Recorded = Callable[[str], list[Event]]
Health = Callable[..., api.Health]


def _begin(store: Store, call: str, at: str = "2026-11-21T17:00:00Z", **changes: Any) -> None:
    given = {"direction": "outbound", "from_": "+15550100000", "to": "+15550100123", **changes}
    store.feed(events.CallInitiated(call=call, at=at, **given))


def _end(store: Store, call: str) -> None:
    store.feed(events.CallEnded(call=call, cause="normal_clearing", source="caller", duration_ms=0))


def test_every_call_is_what_the_contract_folds_it_to(store: Store, recorded: Recorded) -> None:
    stream = recorded("clinic")
    for event in stream:
        store.feed(event)

    for call, view in store.calls.items():
        assert view.state == call_state.fold(call, [event for event in stream if event.call == call])
    assert [view.state.id for view in store.listing()] == ["c_bob", "c_ada", "c_cyd", "c_dan"]
    assert (store.live, store.ended) == (3, 1)


def test_a_stream_that_resumes_leaves_nothing_twice(store: Store, recorded: Recorded) -> None:
    stream = [event for event in recorded("clinic") if event.seq]
    for event in [*stream, *stream[-20:]]:
        store.feed(event)

    once = Store(store.clock)
    for event in stream:
        once.feed(event)
    assert {call: view.state for call, view in store.calls.items()} == {
        call: view.state for call, view in once.calls.items()
    }
    assert store.seq == stream[-1].seq


def test_a_snapshot_replaces_what_was_known_and_keeps_the_event_lists(store: Store, health: Health) -> None:
    _begin(store, "c_1")
    _begin(store, "c_gone")
    store.feed(api.Snapshot(90, "fell_behind", health(), [CallState("c_1"), CallState("c_2", phase="ended")]))

    assert set(store.calls) == {"c_1", "c_2"}
    assert [events.type_of(event) for event in store.calls["c_1"].events] == ["call.initiated"]
    assert (store.seq, store.linked, store.ended) == (90, True, 1)


def test_levels_and_statistics_are_no_change_of_the_call(store: Store) -> None:
    _begin(store, "c_1")
    store.take_changes()
    store.feed(events.MediaLevel(call="c_1", caller=-20, agent=-90))
    store.feed(events.MediaStats(call="c_1", rx=50, tx=50, gaps=0, late=0, jitter_ms=1, queue_ms=0))

    assert store.take_changes() == set()
    assert store.take_moves() is True
    assert store.take_moves() is False
    assert list(store.calls["c_1"].levels) == [(-20, -90)]
    assert len(store.calls["c_1"].events) == 1


def test_only_the_last_partial_of_a_turn_stays_in_the_event_list(store: Store) -> None:
    _begin(store, "c_1")
    for order, text, end in (
        (0, "half", False),
        (0, "half past", False),
        (0, "Half past.", True),
        (1, "and", False),
    ):
        message = {"turn_order": order, "transcript": text, "end_of_turn": end}
        store.feed(events.SttTurn(call="c_1", session=1, message=message))

    kept = [
        event.message["transcript"] for event in store.calls["c_1"].events if isinstance(event, events.SttTurn)
    ]
    assert kept == ["Half past.", "and"]


def test_only_the_last_heartbeat_stays_in_the_event_list(store: Store) -> None:
    _begin(store, "c_1")
    for seq, kind in enumerate(("Heartbeat", "Warning", "Heartbeat", "Silence"), 10):
        store.feed(events.SttOther(seq=seq, call="c_1", session=1, message={"type": kind}))

    kept = [event for event in store.calls["c_1"].events if isinstance(event, events.SttOther)]
    assert [(event.seq, event.message["type"]) for event in kept] == [
        (11, "Warning"),
        (12, "Heartbeat"),
        (13, "Silence"),
    ]


def test_everything_is_bounded(store: Store) -> None:
    for number in range(MAX_ENDED + 50):
        _begin(store, f"c_{number}", at=f"2026-11-21T17:{number // 60:02}:{number % 60:02}Z")
        _end(store, f"c_{number}")
    for number in range(MAX_EVENTS + 50):
        store.feed(events.CallDtmf(call="c_149", digit=str(number % 10)))
    for _ in range(MAX_LOG + 50):
        store.feed(events.AgentLog(level="WARNING", logger="x", message="y"))

    assert len(store.calls) == MAX_ENDED
    assert "c_49" not in store.calls
    assert len(store.calls["c_149"].events) == MAX_EVENTS
    assert (len(store.log), store.logged) == (MAX_LOG, MAX_LOG + 50)


def test_times_run_from_the_answer_and_stop_at_the_end(store: Store) -> None:
    _begin(store, "c_1", mono=1_000_000_000)
    began = store.calls["c_1"].began
    assert store.calls["c_1"].elapsed(began + 4) == 4

    store.feed(events.CallAnswered(call="c_1", mono=6_000_000_000))
    assert store.calls["c_1"].elapsed(began + 15) == 10

    store.feed(
        events.CallEnded(
            call="c_1", cause="normal_clearing", source="caller", duration_ms=12_000, mono=18_000_000_000
        )
    )
    assert store.calls["c_1"].elapsed(began + 999) == 12


@pytest.mark.parametrize(
    ("event", "level", "text"),
    [
        (events.Error(call="c_1", where="llm", message="The LLM timed out.", fix="Try again."), "error",
         "call 1: The LLM timed out. Try again."),
        (events.Error(where="journal", message="The disk is full."), "error", "The disk is full."),
        (events.SttError(call="c_1", session=1, code=3007, text="Audio came too slowly", final=True), "error",
         "call 1: speech recognition: Audio came too slowly"),
        (events.TurnLatency(call="c_1", turn=3, total_ms=1920, parts={}), "warn",
         "call 1: the caller waited 1.92 s for turn 3"),
    ],
)  # fmt: skip
def test_what_went_wrong_is_told_on_the_notice_line(store: Store, event: Event, level: str, text: str) -> None:
    _begin(store, "c_1")
    store.feed(event)

    assert store.notice is not None
    assert (store.notice.level, store.notice.text) == (level, text)


def test_an_answer_in_time_is_no_news(store: Store) -> None:
    _begin(store, "c_1")
    store.feed(events.TurnLatency(call="c_1", turn=3, total_ms=1000, parts={}))

    assert store.notice is None
    assert list(store.calls["c_1"].waits) == [1000]


def test_a_crash_is_told_with_the_last_lines_and_so_is_the_recovery(store: Store) -> None:
    store.process_changed(ProcessState("agent", "up", pid=7, port=8790))
    store.process_changed(
        ProcessState("agent", "crashed", detail="The agent was ended by SIGKILL.", tail=("boom",))
    )
    assert store.notice is not None
    assert store.notice.text == "The agent was ended by SIGKILL."
    assert [line.text for line in store.log][-2:] == [
        "agent crashed: The agent was ended by SIGKILL.",
        "agent: boom",
    ]

    store.process_changed(ProcessState("agent", "starting"))
    store.process_changed(ProcessState("agent", "up", pid=8, port=8790))
    assert store.notice.text == "The agent is up again."


def test_an_incoming_call_is_announced(store: Store) -> None:
    _begin(store, "c_1", direction="inbound", from_="+15550100199")

    assert store.notice is not None
    assert store.notice.text == "call 1: +1 555 010 0199 calls"


def test_a_call_that_failed_is_announced_and_an_ordinary_end_is_not(store: Store) -> None:
    _begin(store, "c_1")
    store.feed(events.CallAnswered(call="c_1", mono=1))
    _end(store, "c_1")
    assert store.notice is None

    _begin(store, "c_2")
    store.feed(events.CallEnded(call="c_2", cause="user_busy", source="callee", duration_ms=0))
    assert store.notice is not None
    assert store.notice.text == "+1 555 010 0123: busy (user_busy)"
