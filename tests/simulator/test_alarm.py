from __future__ import annotations

import asyncio
import sys
from time import monotonic

import pytest

from simulator import alarm as module
from simulator.alarm import alarm
from simulator.pacing import Wheel


@pytest.fixture(params=["linux", "elsewhere"])
def platform(request, monkeypatch) -> str:
    if request.param == "linux" and sys.platform != "linux":
        pytest.skip("timerfd is Linux's")
    monkeypatch.setattr(module.sys, "platform", request.param)
    return request.param


async def test_it_rings_once_and_not_too_early(platform) -> None:
    rung: asyncio.Queue[float] = asyncio.Queue()
    bell = alarm(lambda: rung.put_nowait(monotonic()))
    when = monotonic() + 0.02
    bell.set(when)
    assert await rung.get() >= when - bell.early
    bell.set(when)
    await rung.get()
    assert rung.empty()
    bell.close()


async def test_the_last_time_set_counts_and_one_that_is_over_means_at_once(platform) -> None:
    rung = asyncio.Event()
    bell = alarm(rung.set)
    for when in (monotonic() + 3600, 0.0, monotonic() + 3600, -1.0):
        bell.set(when)
    await rung.wait()
    bell.close()


async def test_a_closed_alarm_stays_silent(platform) -> None:
    rung, later = asyncio.Event(), asyncio.Event()
    bell, other = alarm(rung.set), alarm(later.set)
    bell.set(0.0)
    bell.close()
    other.set(monotonic() + 0.01)
    await later.wait()
    assert not rung.is_set()
    other.close()


async def test_the_wheel_turns_on_either(platform) -> None:
    wheel, turned = Wheel(), asyncio.Event()
    handle = wheel.add(turned.set)
    await turned.wait()
    turned.clear()
    await turned.wait()
    wheel.remove(handle)


async def test_a_callback_added_by_a_callback_does_not_make_the_wheel_turn_twice() -> None:
    wheel, done = Wheel(), asyncio.Event()
    ticks = {"first": 0, "second": 0}

    def second() -> None:
        ticks["second"] += 1
        if ticks["second"] == 5:
            done.set()

    def first() -> None:
        if not ticks["first"]:
            handles.append(wheel.add(second))
        ticks["first"] += 1

    handles: list[int] = []
    handles.append(wheel.add(first))
    await done.wait()
    assert abs(ticks["first"] - ticks["second"]) <= 1
    for handle in handles:
        wheel.remove(handle)
