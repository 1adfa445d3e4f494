"""How well and how fast the simulator hears what no script holds: words wrong, delays, and calls at once."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import statistics
import subprocess
import tempfile
import time
import wave
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import numpy as np

from simulator.audio import resample, ulaw_decode, ulaw_encode
from simulator.speech.engine_choice import Engines, engines
from simulator.speech.recogniser import Recogniser
from simulator.speech.services import SpeechServices
from simulator.speech.utterance import Hypothesis
from tests.word_errors import word_errors

_SENTENCES = (
    "I need to move my appointment to Thursday afternoon.",
    "What time do you open on Saturday?",
    "Could you please repeat that?",
    "I would like to cancel the order I placed yesterday.",
    "Is there anything earlier next week?",
    "My name is John Smith and I live in Boston.",
    "Can I speak to a real person?",
    "We ordered seven boxes of paper but received only five.",
    "The printer in our office has stopped working since this morning.",
    "How much does the delivery cost if I order before noon?",
    "I am calling about the invoice that you sent me last month.",
    "Could you tell me whether the doctor is available tomorrow?",
    "Hold on a second, let me get my card.",
    "I want to change the address on my account.",
    "Sorry, I did not understand the last question.",
    "No, thank you, that is all.",
)
_FLITE = ("rms", "slt")
_LIBRIVOX = Path("/usr/share/pocketsphinx/test/data/librivox")
_PAUSE_MS = 360
_AT_ONCE = (1, 4, 8, 12, 16)
_ENOUGH_S = 1.0

_Clip = tuple[str, str, np.ndarray]
"""Whose voice, what it says, and its samples at 16 kHz."""


async def run() -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    spoken = SpeechServices(Engines(()))
    clips = [clip async for clip in _synthetic(spoken)] + list(_flite()) + list(_librivox())
    await spoken.close()
    for choice in engines({}).choices:
        found += await _words_wrong(Engines((choice,)), clips)
    best = Engines(engines({}).choices[:1])
    found += await _calls_at_once(best, [clip[2] for clip in clips if "espeak" not in clip[0]] or [clips[0][2]])
    return found


async def _synthetic(services: SpeechServices) -> AsyncIterator[_Clip]:
    if services.synthesiser.available:
        for sentence in _SENTENCES:
            speech = await services.synthesiser.render(sentence, sample_rate=16000)
            yield "espeak-ng klatt6", sentence, speech.samples


def _flite() -> Iterator[_Clip]:
    if not (program := shutil.which("flite")):
        return
    with tempfile.TemporaryDirectory() as folder:
        for voice in _FLITE:
            for sentence in _SENTENCES:
                path = f"{folder}/said.wav"
                subprocess.run([program, "-voice", voice, "-t", sentence, "-o", path], check=True)
                yield "flite", sentence, _read(path)


def _librivox() -> Iterator[_Clip]:
    """Debian's pocketsphinx-testdata: people who read books."""
    if not (transcription := _LIBRIVOX / "transcription").is_file():
        return
    for line in transcription.read_text().splitlines():
        if found := re.match(r"<s> (.*) </s> \((.*)\)", line):
            yield "people (LibriVox)", found[1], _read(str(_LIBRIVOX / f"{found[2]}.wav"))


def _read(path: str) -> np.ndarray:
    with wave.open(path) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), np.int16)
        return resample(samples, file.getframerate(), 16000)


def _wide(samples: np.ndarray) -> np.ndarray:
    return samples


def _telephone(samples: np.ndarray) -> np.ndarray:
    return ulaw_decode(ulaw_encode(resample(samples, 16000, 8000)))


_BANDS: dict[str, tuple[int, Callable[[np.ndarray], np.ndarray]]] = {
    "HD": (16000, _wide),
    "telephone": (8000, _telephone),
}


async def _words_wrong(choice: Engines, clips: list[_Clip]) -> list[tuple[str, str]]:
    services = SpeechServices(choice)
    wrong: dict[tuple[str, str], list[int]] = {}
    took: list[float] = []
    seconds = 0.0
    try:
        await services.general.open("", ())
        began_cpu = _workers_cpu_s()
        for voice, sentence, samples in clips:
            for band, (rate, sent) in _BANDS.items():
                recogniser = services.recogniser(rate)
                for part in _packets(sent(samples), rate, _PAUSE_MS):
                    await recogniser.push(part)
                began = time.monotonic()
                heard = await recogniser.hypothesis("final")
                took.append(time.monotonic() - began)
                await recogniser.end_utterance()
                seconds += len(samples) / 16000
                errors = wrong.setdefault((voice, band), [0, 0])
                said = _plain(sentence)
                errors[0] += word_errors(said, _plain(heard.transcript))
                errors[1] += len(said)
        cpu = _workers_cpu_s() - began_cpu
        name = services.general.facts.name
    finally:
        await services.close()
    rates = [
        (f"{name}: words wrong, {voice}, {band}", f"{100 * bad / all_of_them:.1f} %")
        for (voice, band), (bad, all_of_them) in wrong.items()
    ]
    return [
        *rates,
        (f"{name}: CPU per second of speech, heard once", f"{cpu / seconds * 1000:.0f} ms"),
        (f"{name}: a whole sentence → its words, p50 / p95", _seconds(took)),
    ]


async def _calls_at_once(choice: Engines, clips: list[np.ndarray]) -> list[tuple[str, str]]:
    """Callers who speak a third of the time, in real time: until the words of a pause come late."""
    services = SpeechServices(choice)
    found: list[tuple[str, str]] = []
    most = 0
    try:
        await services.general.open("", ())
        name = services.general.facts.name
        for calls in _AT_ONCE:
            began, began_cpu, own_cpu = time.monotonic(), _workers_cpu_s(), time.process_time()
            delays: list[float] = []
            behind: set[str] = set()
            await asyncio.gather(*[_call(services, clips, call, delays, behind) for call in range(calls)])
            elapsed = time.monotonic() - began
            cpu, own = (_workers_cpu_s() - began_cpu) / elapsed, (time.process_time() - own_cpu) / elapsed
            found.append(
                (
                    f"{name}: {calls} at once, pause → words p50 / p95, CPU of its process / of the rest",
                    f"{_seconds(delays)}, {cpu:.0%} / {own:.0%}" + (" (told: behind)" if behind else ""),
                )
            )
            if behind or sorted(delays)[int(len(delays) * 0.95)] > _ENOUGH_S:
                break
            most = calls
    finally:
        await services.close()
    return [*found, (f"{name}: most at once with words within {_ENOUGH_S:g} s of a pause", str(most))]


async def _call(
    services: SpeechServices, clips: list[np.ndarray], call: int, delays: list[float], behind: set[str]
) -> None:
    recogniser = services.recogniser(16000)
    began = time.monotonic() + call * 0.7
    packets = 0
    for turn in range(3):
        samples = clips[(call * 7 + turn * 3) % len(clips)]
        silent = 0
        for part in _packets(samples, 16000, 2 * len(samples) // 16):
            packets += 1
            await asyncio.sleep(max(0.0, began + packets * 0.02 - time.monotonic()))
            silent = 0 if any(await recogniser.push(part)) else silent + 20
            behind |= {recogniser.behind} - {""}
            if silent == _PAUSE_MS:
                asked = time.monotonic()
                if (await recogniser.hypothesis("pause")).words:
                    delays.append(time.monotonic() - asked)
            elif packets % 50 == 0 and silent < _PAUSE_MS:
                await recogniser.hypothesis("speech")
        await _ended(recogniser)


async def _ended(recogniser: Recogniser) -> Hypothesis:
    final = await recogniser.hypothesis("final")
    await recogniser.end_utterance()
    return final


def _packets(samples: np.ndarray, rate: int, silence_ms: int) -> Iterator[np.ndarray]:
    step = rate // 50
    silence = np.zeros(rate * silence_ms // 1000, np.int16)
    line = np.concatenate([np.zeros(rate // 4, np.int16), samples, silence])
    for start in range(0, len(line) - step + 1, step):
        yield line[start : start + step]


def _workers_cpu_s() -> float:
    """Of all child processes of this one."""
    own = str(os.getpid())
    total = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if fields[1] == own:
            total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")


def _seconds(delays: list[float]) -> str:
    late = sorted(delays)[int(len(delays) * 0.95)]
    return f"{statistics.median(delays):.2f} / {late:.2f} s"


def _plain(text: str) -> list[str]:
    """Words alone, small, and written as they are spoken."""
    text = text.lower().replace("-", " ").replace("mr.", "mister").replace("five", "5").replace("seven", "7")
    return re.sub(r"[^a-z0-9' ]", "", text).split()
