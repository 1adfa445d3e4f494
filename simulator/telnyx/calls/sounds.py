"""Text spoken and files played on a leg."""

from __future__ import annotations

import asyncio
import html
import re
import secrets
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import numpy as np

from simulator.audio import Samples
from simulator.recording.sound import SoundNotFound, SoundUnreadable, fetch_sound, load_sound
from simulator.speech.synthesiser import SpeechUnavailable
from simulator.telnyx.calls.player import Sound
from simulator.telnyx.happenings import PlaybackEnded, PlaybackStarted, PlaybackStatus, SpeakEnded, SpeakStarted

if TYPE_CHECKING:
    from simulator.telnyx.calls.leg import CallLeg

Source = Callable[[int], Awaitable[Samples]]
"""Gives the samples at a rate in hertz. Raises SoundNotFound, SoundUnreadable, SpeechUnavailable or ValueError."""

_VOICES = {"male": "en-us+klatt4", "female": "en-us+f3"}
_TAG = re.compile(r"<[^<>]*>")
_DEFAULT_VOICE = "en-us+klatt4"


def spoken(leg: CallLeg, text: str, voice: str) -> Source:
    """`text` as the simulator's voice says it; a vendor's voice name is played by the nearest of its own."""

    async def speak(rate: int) -> Samples:
        chosen = _VOICES.get(voice.lower(), _DEFAULT_VOICE)
        speech = await leg.facilities.speech.synthesiser.speak(text, voice=chosen, sample_rate=rate)
        return np.asarray(speech.samples, np.int16)

    return speak


def fetched(leg: CallLeg, url: str) -> Source:
    async def fetch(rate: int) -> Samples:
        return await fetch_sound(leg.facilities.http, url, rate)

    return fetch


def given(data: bytes) -> Source:
    async def load(rate: int) -> Samples:
        return await load_sound(data, rate)

    return load


def start_speech(leg: CallLeg, source: Source, loops: int = 1) -> Sound:
    """Queue speech that the application is told of. Raises PlayerFull."""
    speak_id = secrets.token_urlsafe(8)[:10]

    def ended(status: PlaybackStatus) -> None:
        if _is_told(sound, status):
            known = status if status in ("completed", "call_hangup", "cancelled_amd") else "cancelled"
            leg.tell(SpeakEnded(speak_id, known))

    sound = Sound(loops=loops, on_start=lambda: leg.tell(SpeakStarted(speak_id)), on_end=ended)
    leg.player.play(sound)
    leg.spawn(_load(leg, sound, source))
    return sound


def start_playback(
    leg: CallLeg,
    source: Source,
    *,
    loops: int = 1,
    overlay: bool = False,
    media_url: str | None = None,
    media_name: str | None = None,
) -> Sound:
    """Queue a file that the application is told of. Raises PlayerFull."""
    playback_id = secrets.token_urlsafe(8)[:10]

    def ended(status: PlaybackStatus) -> None:
        if _is_told(sound, status):
            leg.tell(PlaybackEnded(playback_id, media_url, media_name, overlay, status))

    sound = Sound(
        loops=loops,
        on_start=lambda: leg.tell(PlaybackStarted(playback_id, media_url, media_name, overlay)),
        on_end=ended,
    )
    if overlay:
        leg.player.overlay(sound)
    else:
        leg.player.play(sound)
    leg.spawn(_load(leg, sound, source))
    return sound


async def play_quietly(leg: CallLeg, source: Source) -> None:
    """Play to the end without telling the application, as TeXML verbs do; a cancelled wait stops the sound."""
    await play_unless_stopped(leg, source)


async def play_unless_stopped(leg: CallLeg, source: Source) -> bool:
    """As `play_quietly`; False when something else than its end, or a file that is none, stopped the sound."""
    ended: asyncio.Future[PlaybackStatus] = asyncio.get_running_loop().create_future()
    sound = Sound(on_end=ended.set_result)
    leg.player.play(sound)
    try:
        await _load(leg, sound, source)
        return await asyncio.shield(ended) not in ("cancelled", "cancelled_amd", "call_hangup")
    finally:
        sound.end("cancelled")


def _is_told(sound: Sound, status: PlaybackStatus) -> bool:
    """What never began has no end to tell of, unless it is that it could not begin."""
    return sound.started or status in ("file_not_found", "failed")


async def _load(leg: CallLeg, sound: Sound, source: Source) -> None:
    try:
        sound.samples = await source(leg.party.rate)
    except SoundNotFound as error:
        leg.warn(str(error))
        sound.end("file_not_found")
    except (SoundUnreadable, SpeechUnavailable, ValueError) as error:
        leg.warn(str(error))
        sound.end("failed")


def missing(name: str) -> Source:
    """A name of Telnyx's media storage, which the simulator does not have."""

    async def find(rate: int) -> Samples:
        raise SoundNotFound(f"There is no media {name[:80]!r}: the simulator has no media storage; use audio_url.")

    return find


def without_markup(ssml: str) -> str:
    """What is said of an SSML document."""
    return " ".join(html.unescape(_TAG.sub(" ", ssml)).split())
