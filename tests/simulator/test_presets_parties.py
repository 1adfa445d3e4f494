"""Who answers at the magic numbers, tick by tick."""

from __future__ import annotations

import asyncio
import importlib.util
import io
import wave
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from simulator.audio import Samples
from simulator.caller.answering_machine import detections
from simulator.caller.file_party import AudioFile, FileParty
from simulator.caller.machine_party import Machine, MachineParty
from simulator.caller.parties import party_for
from simulator.caller.party import Party, Said, frame_samples
from simulator.caller.people import HOLD, MENU, RESIDENCE, SCREENING, VOICEMAIL
from simulator.caller.presets import PRESETS
from simulator.caller.script import Script, Turn
from simulator.caller.silent_party import Silent, SilentParty
from simulator.caller.tones import BEEP, FAX_ANSWER, Pause, Tone
from simulator.speech.services import SpeechServices
from simulator.telnyx.requests.amd import AmdRules
from tests.simulator.numbers_page import rows

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("espeakng_loader") is None, reason="espeakng_loader is not installed"
)


@pytest.fixture
async def speech() -> AsyncIterator[SpeechServices]:
    services = SpeechServices()
    await services.start()
    yield services
    await services.close()


def voice(party: Party) -> Samples:
    """20 ms of an agent's voice at the party's rate."""
    times = np.arange(frame_samples(party.rate)) / party.rate
    return (4000 * np.sin(2 * np.pi * 300 * times)).astype(np.int16)


def run(party: Party, milliseconds: int, heard: Samples | None = None) -> list[Said]:
    return [party.tick(heard) for _ in range(milliseconds // 20)]


def sound(said: list[Said], rate: int) -> Samples:
    silence = np.zeros(frame_samples(rate), np.int16)
    return np.concatenate([silence if one.samples is None else one.samples for one in said])


def pitch(samples: Samples, rate: int) -> float:
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.argmax(spectrum)) * rate / len(samples)


def ticks_until_hang_up(party: Party, heard: Samples | None = None, most: int = 10_000) -> int:
    for tick in range(most):
        if party.tick(heard).hang_up:
            return tick
    raise AssertionError("The party does not hang up.")


async def test_every_party_can_be_called_and_leaves_nothing_behind(speech: SpeechServices) -> None:
    for preset in PRESETS.values():
        party = preset.party(speech)
        await party.prepare()
        for said in run(party, 2000):
            assert said.samples is None or (said.samples.dtype == np.int16 and len(said.samples) == 160)
        party.press("1")
        party.close()
        assert party.tick(None).samples is None
        assert party.report()["heard_ms"] == 0
        assert not speech.vocabulary._handles


async def test_answering_machine_detection_says_what_is_documented(speech: SpeechServices) -> None:
    for preset in PRESETS.values():
        if not preset.number.startswith("+155501030"):
            continue
        party = preset.party(speech)
        await party.prepare()
        found = [
            ", ".join(
                detected.happening.result
                for detected in detections(rules, preset.kind, party.beep_at_ms, party.greeting_end_ms)
            )
            for rules in (AmdRules("premium", 30_000), AmdRules("detect"), AmdRules("greeting_end"))
        ]
        assert found == rows()[preset.number][3:6], preset.name


async def test_voicemail_greets_beeps_records_and_hangs_up(speech: SpeechServices) -> None:
    party = party_for(VOICEMAIL, speech)
    await party.prepare()
    beep_at, greeting_end = party.beep_at_ms, party.greeting_end_ms
    assert beep_at is not None
    assert greeting_end is not None
    assert 3000 < greeting_end < beep_at
    said = run(party, beep_at + 520)
    samples = sound(said, 8000)
    beep = samples[beep_at * 8 : (beep_at + BEEP.ms) * 8]
    assert abs(pitch(beep, 8000) - 1000) < 3
    assert np.sqrt(np.mean(beep.astype(float) ** 2)) > 3000
    assert not samples[(greeting_end + 20) * 8 : (beep_at - 20) * 8].any()
    run(party, 3000, voice(party))
    assert ticks_until_hang_up(party) * 20 == pytest.approx(10_000, abs=40)
    assert party.report()["message_ms"] == 3000


async def test_a_machine_does_not_record_for_ever(speech: SpeechServices) -> None:
    party = MachineParty(Machine((Pause(100),), listen_ms=5000), speech)
    await party.prepare()
    assert (ticks_until_hang_up(party, voice(party)) + 1) * 20 == pytest.approx(5100, abs=40)
    assert not party.tick(None).hang_up


async def test_a_fax_answers_with_2100_hz(speech: SpeechServices) -> None:
    party = party_for(Machine(FAX_ANSWER), speech, "G722")
    await party.prepare()
    samples = sound(run(party, 5000), 16_000)
    assert abs(pitch(samples[16_000:48_000], 16_000) - 2100) < 3
    flags = samples[3700 * 16 : 4600 * 16]
    assert abs(pitch(flags, 16_000) - 1650) < 60


async def test_a_menu_reacts_to_keys_on_two_levels(speech: SpeechServices) -> None:
    party = party_for(MENU, speech)
    await party.prepare()
    run(party, 1000)
    party.press("2")
    run(party, 500)
    party.press("*")
    party.press("2")
    party.press("7")
    party.press("2")
    ended = ticks_until_hang_up(party)
    assert ended > 50
    party.press("1")
    report = party.report()
    support = MENU.choices["2"]
    assert not isinstance(support, str)
    assert report["keys_heard"] == "2*2721"
    assert report["said"] == [
        MENU.prompt,
        support.prompt,
        MENU.prompt,
        support.prompt,
        "Sorry, that is not one of the choices.",
        support.prompt,
        support.choices["2"],
    ]


async def test_a_key_stops_the_prompt(speech: SpeechServices) -> None:
    party = party_for(MENU, speech)
    await party.prepare()
    prompt = sound(run(party, 3000), 8000)
    party.press("3")
    hours = sound(run(party, 3000), 8000)
    other = party_for(MENU, speech)
    await other.prepare()
    other.press("3")
    assert np.array_equal(hours, sound(run(other, 3000), 8000))
    assert not np.array_equal(hours, prompt)


async def test_a_menu_without_keys_says_goodbye_after_three_prompts(speech: SpeechServices) -> None:
    party = party_for(MENU, speech)
    await party.prepare()
    ticks_until_hang_up(party)
    assert party.report()["said"] == [MENU.prompt] * 3 + ["We did not get your choice. Goodbye."]


async def test_keys_without_end_are_kept_up_to_a_bound(speech: SpeechServices) -> None:
    parties = [party_for(spec, speech) for spec in (MENU, RESIDENCE)]
    for party in parties:
        await party.prepare()
        for _ in range(5000):
            party.press("8")
            party.tick(None)
        assert len(party.report()["keys_heard"]) == 200
    assert len(parties[0].report()["said"]) <= 202


async def test_a_person_comes_after_the_hold_music(speech: SpeechServices) -> None:
    party = party_for(HOLD, speech)
    await party.prepare()
    run(party, 30_000)
    report = party.report()
    assert 14_000 < report["person_came_ms"] < 20_000
    assert report["lines"][0]["started_ms"] == 400


async def test_a_screening_assistant_waits_for_the_agent_and_then_fetches_the_person(
    speech: SpeechServices,
) -> None:
    party = party_for(SCREENING, speech)
    await party.prepare()
    assert party.greeting_end_ms is not None
    run(party, party.greeting_end_ms + 1000)
    assert party.report()["person_came_ms"] is None
    run(party, 2000, voice(party))
    run(party, 1500)
    assert party.report()["person_came_ms"] == pytest.approx(party.greeting_end_ms + 3900, abs=60)


async def test_a_screening_assistant_hangs_up_on_an_agent_who_says_nothing(speech: SpeechServices) -> None:
    party = party_for(SCREENING, speech)
    await party.prepare()
    ticks_until_hang_up(party)
    assert party.warnings == ["The assistant hung up: the application did not say who was calling."]


async def test_a_silent_line_ends_by_itself() -> None:
    party = SilentParty(Silent(max_seconds=2))
    await party.prepare()
    run(party, 500, voice(party))
    assert (ticks_until_hang_up(party) + 1) * 20 == 1500
    assert party.report()["heard_ms"] == 500


async def test_a_person_speaks_at_the_rate_of_the_leg(speech: SpeechServices) -> None:
    codecs: list[tuple[Any, int]] = [("PCMU", 8000), ("PCMA", 8000), ("G722", 16_000), ("OPUS", 16_000)]
    for codec, rate in codecs:
        script = Script(turns=(Turn(user="Hello there."),), wait_for_greeting=False, codec=codec)
        party = party_for(script, speech)
        await party.prepare()
        assert (party.codec, party.rate) == (codec, rate)
        said = run(party, 3000)
        spoken = [one for one in said if one.samples is not None]
        assert {len(one.samples) for one in spoken if one.samples is not None} == {rate // 50}
        assert said.index(spoken[0]) == 20
        assert party.greeting_end_ms == party.report()["lines"][0]["ended_ms"]
        run(party, 200, voice(party))
        assert party.report()["heard_ms"] == 200


async def test_keys_of_a_script_are_a_quarter_second_apart(speech: SpeechServices) -> None:
    party = party_for(Script(turns=(Turn(dtmf="1#"),), wait_for_greeting=False), speech)
    await party.prepare()
    pressed = [(tick * 20, said.digit) for tick, said in enumerate(run(party, 2000)) if said.digit is not None]
    assert pressed == [(400, "1"), (660, "#")]


def wav(rate: int, channels: int, seconds: float) -> bytes:
    times = np.arange(int(rate * seconds)) / rate
    one = (8000 * np.sin(2 * np.pi * 440 * times)).astype("<i2")
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(channels)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(np.repeat(one, channels).tobytes())
    return file.getvalue()


@pytest.mark.parametrize("codec", ["PCMU", "L16"])
async def test_a_file_of_any_rate_is_played_once_and_the_answer_awaited(tmp_path: Path, codec: Any) -> None:
    path = tmp_path / "hello.wav"
    await asyncio.to_thread(path.write_bytes, wav(44_100, 2, 1.0))
    party = FileParty(AudioFile(path), codec)
    await party.prepare()
    assert party.greeting_end_ms == 1000
    samples = sound(run(party, 1000), party.rate)
    assert abs(pitch(samples, party.rate) - 440) < 2
    run(party, 3000, voice(party))
    assert ticks_until_hang_up(party) * 20 == pytest.approx(2000, abs=40)


async def test_a_file_can_loop_and_ends_at_its_limit(tmp_path: Path) -> None:
    path = tmp_path / "tone.wav"
    await asyncio.to_thread(path.write_bytes, wav(8000, 1, 0.5))
    party = FileParty(AudioFile(path, loop=True, max_seconds=3))
    await party.prepare()
    said = run(party, 3000)
    assert all(one.samples is not None for one in said)
    assert said[0] is said[25] is said[50]
    assert party.tick(None).hang_up


@pytest.mark.parametrize("content", [None, b"", b"RIFF", wav(8000, 1, 0.0)])
async def test_a_file_that_cannot_be_played_is_refused_in_a_sentence(
    tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "bad.wav"
    if content is not None:
        await asyncio.to_thread(path.write_bytes, content)
    with pytest.raises(ValueError) as refused:
        await FileParty(AudioFile(path)).prepare()
    assert str(refused.value).startswith(str(path))
    assert str(refused.value).endswith(".")


def test_a_tone_is_as_long_and_loud_as_it_says() -> None:
    from simulator.caller.tones import render_tone

    samples = render_tone(Tone((1000.0,), 500, -6.0), 16_000)
    assert len(samples) == 8000
    assert np.abs(samples).max() == pytest.approx(32767 * 10 ** (-6 / 20), rel=0.01)
