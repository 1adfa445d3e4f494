"""Disorder on request: repeatable, bounded, and none by default."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.telnyx import happenings as h
from simulator.telnyx.routing import Routing
from simulator.telnyx.webhooks.announce import ControlAnnouncer
from simulator.telnyx.webhooks.disorder import Disorder, Disorders, Disturber
from tests.simulator.webhook_house import facts, scene

KEYS = "0123456789"
PROBABILITIES = st.floats(0, 1)


async def arrived(disorder: Disorder, path: str = "/1") -> tuple[str, list[float]]:
    """The keys of two calls, told to /1 and /2, in the order of their arrival at one of them; and all pauses."""
    async with scene() as s:
        s.webhooks.disturb(disorder)
        for own in ("/1", "/2"):
            announcer = ControlAnnouncer(s.webhooks, Routing(s.house.url + own))
            for key in KEYS:
                announcer.tell(facts(), h.Dtmf(key))
            announcer.close()
        await s.webhooks.close(grace_seconds=10)
        here = [posted for posted in s.house.received if posted.path == path]
        return "".join(posted.event["data"]["payload"]["digit"] for posted in here), s.pauses


async def test_nothing_is_disturbed_by_default():
    assert await arrived(Disorder()) == (KEYS, [])


async def test_everything_can_be_lost():
    assert await arrived(Disorder(lose=1)) == ("", [])


async def test_everything_can_come_twice_with_the_same_id():
    async with scene() as s:
        s.webhooks.disturb(Disorder(duplicate=1))
        announcer = ControlAnnouncer(s.webhooks, Routing(f"{s.house.url}/hook"))
        for key in KEYS:
            announcer.tell(facts(), h.Dtmf(key))
        announcer.close()
        await s.webhooks.close(grace_seconds=10)
        events = [posted.event["data"] for posted in s.house.received]
    assert "".join(event["payload"]["digit"] for event in events) == "".join(key * 2 for key in KEYS)
    assert len({event["id"] for event in events}) == len(KEYS)


async def test_everything_can_be_overtaken():
    assert (await arrived(Disorder(reorder=1)))[0] == "1032547698"


async def test_delays_are_as_long_as_asked():
    keys, pauses = await arrived(Disorder(delay_ms=200, jitter_ms=100))
    assert keys == KEYS
    assert len(pauses) == 2 * len(KEYS)
    assert all(0 <= pause <= 0.3 for pause in pauses)
    assert max(pauses) > 0.1


async def test_a_seed_gives_the_same_again_and_another_seed_something_else():
    some = Disorder(seed=7, duplicate=0.3, lose=0.2, reorder=0.3)
    first, again = (await arrived(some))[0], (await arrived(some))[0]
    assert first == again != KEYS
    assert (await arrived(msgspec.structs.replace(some, seed=8)))[0] != first


async def test_calls_are_disturbed_each_in_its_own_way():
    some = Disorder(seed=7, duplicate=0.3, reorder=0.3)
    assert (await arrived(some, "/1"))[0] != (await arrived(some, "/2"))[0]


async def test_an_overtaken_event_leaves_when_nothing_follows_it():
    async with scene() as s:
        s.webhooks.disturb(Disorder(reorder=1))
        announcer = ControlAnnouncer(s.webhooks, Routing(f"{s.house.url}/hook"))
        announcer.tell(facts(), h.Dtmf("1"))
        assert len(await s.house.until(1)) == 1
        announcer.close()


async def test_disorder_may_start_and_end_in_mid_call():
    async with scene() as s:
        announcer = ControlAnnouncer(s.webhooks, Routing(f"{s.house.url}/hook"))
        announcer.tell(facts(), h.Dtmf("1"))
        s.webhooks.disturb(Disorder(lose=1))
        announcer.tell(facts(), h.Dtmf("2"))
        s.webhooks.disturb(Disorder())
        announcer.tell(facts(), h.Dtmf("3"))
        announcer.close()
        await s.webhooks.close(grace_seconds=10)
        digits = [posted.event["data"]["payload"]["digit"] for posted in s.house.received]
    assert digits == ["1", "3"]


@pytest.mark.parametrize(
    "order", [b'{"lose": 1.5}', b'{"delay_ms": -1}', b'{"delay_ms": 60001}', b'{"odd": 1}', b'{"lose": "1"}']
)
def test_an_impossible_disorder_is_refused(order):
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(order, type=Disorder)


@settings(max_examples=100, deadline=None)
@given(st.builds(Disorder, st.integers(), st.integers(0, 60_000), st.integers(0, 60_000), *[PROBABILITIES] * 3))
def test_any_disorder_is_repeatable_and_within_its_bounds(disorder: Disorder):
    first, second = Disturber(disorder, 1), Disturber(disorder, 1)
    for _ in range(20):
        disturbance = first.next()
        assert disturbance == second.next()
        assert disturbance.copies in (0, 1, 2)
        assert disturbance.delay_seconds * 1000 <= disorder.delay_ms + disorder.jitter_ms + 1


def test_one_probability_does_not_move_the_draws_of_another():
    plain = Disturber(Disorder(seed=1, jitter_ms=1000), 1)
    doubled = Disturber(Disorder(seed=1, jitter_ms=1000, duplicate=1), 1)
    for _ in range(20):
        assert plain.next().delay_seconds == doubled.next().delay_seconds


def test_calls_are_counted_anew_with_a_new_disorder():
    disorders = Disorders()
    some = Disorder(seed=3, jitter_ms=1000)
    disorders.set(some)
    first = [disorders.disturber().next() for _ in range(3)]
    disorders.set(some)
    assert [disorders.disturber().next() for _ in range(3)] == first
    assert len(set(first)) == 3
