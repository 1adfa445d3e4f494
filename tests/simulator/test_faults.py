from __future__ import annotations

import msgspec
import pytest

from simulator.faults import Fault, Faults


def test_a_fault_hits_as_often_as_it_says_and_only_its_own_service():
    faults = Faults()
    faults.set("openai", Fault("request", code=500, times=2))
    assert faults.take("deepgram", "request") is None
    assert faults.take("openai", "connect") is None
    assert [bool(faults.take("openai", "request")) for _ in range(3)] == [True, True, False]


def test_setting_again_replaces_and_clear_removes():
    faults = Faults()
    faults.set("assemblyai", Fault("connect", code=401, times=9))
    faults.set("assemblyai", Fault("connect", code=503))
    taken = faults.take("assemblyai", "connect")
    assert taken is not None
    assert taken.code == 503
    faults.set("assemblyai", Fault("after_ms", after_ms=500, code=3005))
    faults.clear()
    assert faults.take("assemblyai", "after_ms") is None


@pytest.mark.parametrize(
    "body",
    [
        {"where": "sometimes"},
        {"where": "connect", "code": 99},
        {"where": "connect", "code": 1006},
        {"where": "after_ms", "code": 503},
        {"where": "request", "times": 0},
        {"where": "final", "code": 3005, "after_ms": 100},
        {"where": "final"},
        {"where": "final", "after_ms": 60_001},
        {"where": "request", "after_ms": -1},
        {"where": "request", "delay": 3},
    ],
)
def test_nonsense_from_the_wire_is_refused(body):
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(body, Fault)
