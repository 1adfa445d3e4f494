from __future__ import annotations

import asyncio
from collections import Counter

from simulator.pacing import Wheel


async def test_every_callback_comes_once_per_turn() -> None:
    wheel = Wheel()
    ticks: Counter[int] = Counter()
    done = asyncio.Event()

    def tick(number: int) -> None:
        ticks[number] += 1
        if ticks[number] == 10:
            done.set()

    handles = [wheel.add(lambda number=number: tick(number)) for number in range(45)]
    await done.wait()
    assert len(wheel) == 45
    assert max(ticks.values()) - min(ticks[number] for number in range(45)) <= 1
    for handle in handles:
        wheel.remove(handle)
        wheel.remove(handle)
    assert len(wheel) == 0


async def test_a_failing_callback_is_removed_and_the_others_go_on(caplog) -> None:
    wheel = Wheel()
    seen = 0
    done = asyncio.Event()

    def fail() -> None:
        raise RuntimeError("broken")

    def count() -> None:
        nonlocal seen
        seen += 1
        if seen == 5:
            done.set()

    wheel.add(fail)
    handle = wheel.add(count)
    await done.wait()
    assert len(wheel) == 1
    assert "taken off the wheel" in caplog.text
    wheel.remove(handle)


async def test_a_callback_may_remove_itself_and_others() -> None:
    wheel = Wheel()
    done = asyncio.Event()
    handles: list[int] = []

    def tick() -> None:
        for handle in handles:
            wheel.remove(handle)
        done.set()

    handles += [wheel.add(tick), wheel.add(lambda: None)]
    await done.wait()
    assert len(wheel) == 0


async def test_an_empty_wheel_does_not_turn_and_can_start_again() -> None:
    wheel = Wheel()
    wheel.remove(wheel.add(lambda: None))
    before = wheel.punctuality.slots
    await asyncio.sleep(0.03)
    assert wheel.punctuality.slots == before
    turned = asyncio.Event()
    wheel.add(turned.set)
    await turned.wait()
