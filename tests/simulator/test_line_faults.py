"""A bad line: the same seed does the same, and the rates are those asked for."""

from __future__ import annotations

import statistics
from itertools import groupby, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.line.faults import LineFaults
from simulator.line.plan import LineFaultPlan
from simulator.line.telephone import TelephoneFaults
from simulator.telnyx.media.faults_port import SocketAction, StreamFaults

PACKETS = 20_000


def frame(number: int, track: str = "inbound") -> str:
    return f'{{"event":"media","sequence_number":"{number}","media":{{"track":"{track}","chunk":"{number}"}}}}'


def chunk(text: str) -> int:
    return int(text.rpartition('"chunk":"')[2].partition('"')[0])


def pass_all(plan: LineFaultPlan, packets: int = PACKETS, after: int = 200) -> list[list[int]]:
    """The chunks that leave in each tick; `after` ticks more than there are packets."""
    line: StreamFaults = TelephoneFaults(plan)
    ticks: list[list[int]] = []
    for number in range(packets + after):
        ticks.append([chunk(text) for text in line.pass_frames([frame(number)] if number < packets else [])])
    return ticks


def flat(ticks: list[list[int]]) -> list[int]:
    return [number for tick in ticks for number in tick]


def lost(plan: LineFaultPlan, packets: int = PACKETS) -> list[bool]:
    arrived = set(flat(pass_all(plan, packets)))
    return [number not in arrived for number in range(packets)]


def test_a_good_line_passes_every_frame_in_its_tick() -> None:
    assert pass_all(LineFaultPlan(), 50, 0) == [[number] for number in range(50)]


PLANS = st.builds(
    LineFaultPlan,
    seed=st.integers(0, 2**63 - 1),
    jitter_ms=st.floats(0, 500),
    loss=st.floats(0, 0.9),
    burst_loss=st.floats(0, 0.5),
    burst_length=st.floats(1, 20),
    reorder=st.floats(0, 1),
    duplicate=st.floats(0, 1),
    drift_ppm=st.floats(-50_000, 50_000),
    one_way=st.sampled_from(["none", "to_agent", "to_caller"]),
)


@settings(max_examples=100, deadline=None)
@given(PLANS)
def test_the_same_seed_does_the_same_and_nothing_is_made_up(plan: LineFaultPlan) -> None:
    first, line = pass_all(plan, 200), LineFaults(plan)
    assert first == pass_all(plan, 200)
    arrived = flat(first)
    assert set(arrived) <= set(range(200))
    for number in range(200):
        line.to_agent.pass_frames([frame(number)])
    stats = line.stats
    assert stats.packets == 200
    assert len(set(arrived)) <= 200 - stats.lost
    assert 0 <= stats.jitter_ms <= 500
    samples = np.ones(160, np.int16)
    heard = [LineFaults(plan).heard(samples) is None for _ in range(2)]
    assert heard[0] == heard[1]


def test_another_seed_does_something_else() -> None:
    one, other = (pass_all(LineFaultPlan(seed=seed, loss=0.1, jitter_ms=60), 1000) for seed in (1, 2))
    assert one != other


@pytest.mark.parametrize("share", [0.01, 0.05, 0.3])
def test_random_loss_has_its_rate_and_no_memory(share: float) -> None:
    gone = lost(LineFaultPlan(seed=7, loss=share))
    deviation = (share * (1 - share) / PACKETS) ** 0.5
    assert statistics.fmean(gone) == pytest.approx(share, abs=4 * deviation)
    runs = [len(list(run)) for is_lost, run in groupby(gone) if is_lost]
    assert statistics.fmean(runs) == pytest.approx(1 / (1 - share), rel=0.1)


@pytest.mark.parametrize(("share", "length"), [(0.05, 10.0), (0.1, 3.0), (0.3, 20.0)])
def test_burst_loss_has_its_rate_and_the_length_of_its_bursts(share: float, length: float) -> None:
    gone = lost(LineFaultPlan(seed=3, burst_loss=share, burst_length=length), 100_000)
    assert statistics.fmean(gone) == pytest.approx(share, rel=0.15)
    runs = [len(list(run)) for is_lost, run in groupby(gone) if is_lost]
    assert statistics.fmean(runs) == pytest.approx(length, rel=0.15)


def test_loss_of_everything_lets_nothing_through() -> None:
    assert flat(pass_all(LineFaultPlan(loss=1.0), 100)) == []


def test_jitter_delays_within_its_bound_and_keeps_the_order() -> None:
    plan = LineFaultPlan(seed=5, jitter_ms=100)
    ticks = pass_all(plan)
    assert flat(ticks) == list(range(PACKETS))
    late = [at - number for at, tick in enumerate(ticks) for number in tick]
    assert min(late) == 0
    # 100 ms are five ticks, and the packets of one tick can leave in the same one.
    assert max(late) <= 6
    assert any(len(tick) > 1 for tick in ticks)
    assert any(not tick for tick in ticks[: PACKETS // 2])


def test_jitter_shorter_than_a_tick_shows_too() -> None:
    late = [
        at - number for at, tick in enumerate(pass_all(LineFaultPlan(seed=5, jitter_ms=10))) for number in tick
    ]
    # A quarter is drawn late; a late one holds up none that is not due itself.
    assert statistics.fmean(late) == pytest.approx(0.25, abs=0.02)


def test_reordering_swaps_neighbours_at_its_rate() -> None:
    arrived = flat(pass_all(LineFaultPlan(seed=9, reorder=0.1)))
    assert sorted(arrived) == list(range(PACKETS))
    overtaken = sum(second < first for first, second in pairwise(arrived))
    # Two in a row that are held back keep their order between them.
    assert overtaken / PACKETS == pytest.approx(0.1 * 0.9, rel=0.1)
    assert max(abs(number - place) for place, number in enumerate(arrived)) <= 5


def test_duplicates_come_at_their_rate_and_right_after() -> None:
    ticks = pass_all(LineFaultPlan(seed=4, duplicate=0.2))
    assert statistics.fmean(len(tick) == 2 for tick in ticks[:PACKETS]) == pytest.approx(0.2, rel=0.1)
    assert all(len(set(tick)) <= 1 for tick in ticks)


@pytest.mark.parametrize(("ppm", "expected"), [(200, 4), (-200, -4), (50_000, 1000)])
def test_a_drifting_clock_makes_packets_too_many_or_too_few(ppm: float, expected: int) -> None:
    arrived = flat(pass_all(LineFaultPlan(drift_ppm=ppm)))
    assert len(arrived) - PACKETS == pytest.approx(expected, abs=1)
    assert arrived == sorted(arrived)


def test_one_way_audio_is_dead_in_one_direction_only() -> None:
    samples = np.ones(160, np.int16)
    deaf, mute = LineFaults(LineFaultPlan(one_way="to_caller")), LineFaults(LineFaultPlan(one_way="to_agent"))
    assert deaf.heard(samples) is None
    assert mute.heard(samples) is samples
    assert deaf.to_agent.pass_frames([frame(1)]) == [frame(1)]
    assert mute.to_agent.pass_frames([frame(1)]) == []


def test_the_telephone_hears_gaps_at_the_rate_of_loss() -> None:
    samples = np.ones(160, np.int16)
    line = LineFaults(LineFaultPlan(seed=2, loss=0.1))
    gaps = [line.heard(samples) is None for _ in range(PACKETS)]
    assert statistics.fmean(gaps) == pytest.approx(0.1, rel=0.1)
    assert gaps != lost(LineFaultPlan(seed=2, loss=0.1))


def test_the_outbound_track_was_not_on_the_line() -> None:
    line = TelephoneFaults(LineFaultPlan(loss=1.0, jitter_ms=500))
    assert line.pass_frames([frame(1), frame(1, "outbound")]) == [frame(1, "outbound")]


def actions(plan: LineFaultPlan, ticks: int) -> list[SocketAction | None]:
    line = TelephoneFaults(plan)
    return [line.action() for _ in range(ticks)]


def test_a_stall_begins_and_ends_at_its_times() -> None:
    found = actions(LineFaultPlan(stall_at_ms=100, stall_ms=60), 12)
    assert found == [None] * 5 + [SocketAction.STALL] * 3 + [None] * 4


@pytest.mark.parametrize(("stop", "action"), [(False, SocketAction.DROP), (True, SocketAction.STOP)])
def test_a_drop_comes_with_or_without_a_stop_frame(stop: bool, action: SocketAction) -> None:
    found = actions(LineFaultPlan(drop_at_ms=40, drop_stop=stop, stall_at_ms=20, stall_ms=40), 5)
    assert found == [None, SocketAction.STALL, action, None, None]


def test_what_the_line_did_is_counted() -> None:
    plan = LineFaultPlan(seed=11, loss=0.1, jitter_ms=80, reorder=0.05, duplicate=0.05)
    line = TelephoneFaults(plan)
    for number in range(2000):
        line.pass_frames([frame(number)])
    stats = line.stats
    assert stats.packets == 2000
    assert stats.lost == pytest.approx(200, abs=60)
    assert stats.late > 1000
    assert 10 < stats.jitter_ms < 80
    assert stats.reordered == pytest.approx(95, abs=40)
    assert stats.duplicated == pytest.approx(90, abs=40)
    quiet = TelephoneFaults(LineFaultPlan())
    quiet.pass_frames([frame(1)])
    assert (quiet.stats.lost, quiet.stats.late, quiet.stats.jitter_ms) == (0, 0, 0.0)


def test_a_kind_of_fault_does_not_move_another() -> None:
    alone = lost(LineFaultPlan(seed=6, loss=0.05))
    with_others = lost(LineFaultPlan(seed=6, loss=0.05, jitter_ms=100, reorder=0.3, duplicate=0.3))
    assert alone == with_others
