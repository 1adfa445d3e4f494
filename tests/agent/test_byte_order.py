from __future__ import annotations

import numpy as np
import pytest

from agent.carriers.byte_order import OrderDoubt
from agent.line_meter import Samples
from tests.agent.test_line_codec import voice

RATE, FRAME = 16_000, 320


def verdicts(doubt: OrderDoubt, samples: Samples) -> list[int]:
    """The frames at which the order was found to be wrong, as long as there is doubt."""
    found: list[int] = []
    for number, frame in enumerate(samples[: len(samples) // FRAME * FRAME].reshape(-1, FRAME)):
        if doubt.open and doubt.wrong(frame):
            found.append(number)
    return found


@pytest.mark.parametrize("noise", [0, 3, 60])
def test_a_voice_in_the_other_order_is_found_out_once(noise: float) -> None:
    hiss = np.random.default_rng(1).normal(0, noise, RATE)
    quiet = np.zeros(RATE // 2, np.int16)
    said = np.concatenate([quiet, (voice(RATE)[:RATE] + hiss).astype(np.int16)])

    wrong, right = OrderDoubt(), OrderDoubt()
    assert len(verdicts(wrong, said.byteswap())) == 1
    assert verdicts(right, said) == []
    assert not wrong.open
    assert not right.open


@pytest.mark.parametrize("level", [1, 30, 5_000])
def test_noise_settles_nothing_against_the_order(level: float) -> None:
    hiss = np.random.default_rng(2).normal(0, level, 4 * RATE).astype(np.int16)

    assert verdicts(OrderDoubt(), hiss) == []
    assert verdicts(OrderDoubt(), hiss.byteswap()) == []


def test_silence_leaves_the_question_open() -> None:
    doubt = OrderDoubt()
    assert verdicts(doubt, np.zeros(RATE, np.int16)) == []
    assert doubt.open
