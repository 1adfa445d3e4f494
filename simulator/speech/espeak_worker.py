"""The only process that loads espeak-ng, a GPL-3 library: `python -m simulator.speech.espeak_worker`.

Frames as in `pipes` cross standard input and output, one reply for each request, in order; the process ends when
its standard input does. A request is JSON: `{"text": str, "voice": str, "words_per_minute": int}`. A reply is a
32-bit little-endian header length, the JSON header, and mono int16 little-endian samples. The header is
`{"sample_rate": int, "words": [[character, sample], …]}`, where `character` is the index into the text at which
a word begins and `sample` its first sample, or `{"error": str}` without samples.

The calls and event numbers are those of espeak-ng's `speak_lib.h`.
"""

from __future__ import annotations

import ctypes
import json
import struct
from typing import Any, Final

from simulator.speech.pipes import pack, read_frame, worker_streams

SYNCHRONOUS: Final = 2
BUFFER_MS: Final = 100
DO_NOT_EXIT: Final = 0x8000
PARAMETER_RATE: Final = 1
POSITION_CHARACTER: Final = 1
TEXT_IS_UTF8: Final = 1
EVENT_LIST_END: Final = 0
EVENT_WORD: Final = 1


class _EventId(ctypes.Union):
    _fields_ = (("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8))


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _EventId),
    )


_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))


class Espeak:
    """espeak-ng's state, of which a process has exactly one."""

    def __init__(self) -> None:
        import espeakng_loader

        self._library = ctypes.CDLL(espeakng_loader.get_library_path())
        data = espeakng_loader.get_data_path().encode()
        self.sample_rate: int = self._library.espeak_Initialize(SYNCHRONOUS, BUFFER_MS, data, DO_NOT_EXIT)
        if self.sample_rate <= 0:
            raise RuntimeError("espeak-ng found no voice data; reinstall espeakng-loader.")
        self._samples = bytearray()
        self._words: list[tuple[int, int]] = []
        self._callback = _Callback(self._on_audio)
        self._library.espeak_SetSynthCallback(self._callback)

    def speak(self, text: str, voice: str, words_per_minute: int) -> tuple[list[tuple[int, int]], bytes]:
        """Word starts as (character, sample) and the samples. Raises ValueError for an unknown voice."""
        if self._library.espeak_SetVoiceByName(voice.encode()) != 0:
            raise ValueError(f"espeak-ng has no voice {voice!r}; `espeak-ng --voices` lists them.")
        self._library.espeak_SetParameter(PARAMETER_RATE, words_per_minute, 0)
        self._samples.clear()
        self._words.clear()
        encoded = text.encode()
        status = self._library.espeak_Synth(
            encoded, len(encoded) + 1, 0, POSITION_CHARACTER, 0, TEXT_IS_UTF8, None, None
        )
        if status != 0:
            raise ValueError(f"espeak-ng refused the text (status {status}).")
        return list(self._words), bytes(self._samples)

    def _on_audio(self, wav: Any, count: int, events: Any) -> int:
        if wav and count > 0:
            self._samples += ctypes.string_at(wav, 2 * count)
        index = 0
        while events[index].type != EVENT_LIST_END:
            event = events[index]
            if event.type == EVENT_WORD:
                self._words.append((event.text_position - 1, event.sample))
            index += 1
        return 0


def answer(espeak: Espeak, request: bytes) -> bytes:
    samples = b""
    try:
        asked = json.loads(request)
        words, samples = espeak.speak(asked["text"], asked["voice"], asked["words_per_minute"])
        header: dict[str, object] = {"sample_rate": espeak.sample_rate, "words": words}
    except (ValueError, KeyError, TypeError) as error:
        header = {"error": str(error)}
    encoded = json.dumps(header).encode()
    return struct.pack("<I", len(encoded)) + encoded + samples


def main() -> None:
    requests, replies = worker_streams()
    espeak = Espeak()
    while (request := read_frame(requests)) is not None:
        replies.write(pack(answer(espeak, request)))
        replies.flush()


if __name__ == "__main__":
    main()
