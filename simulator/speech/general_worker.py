"""pocketsphinx's general English model, in a process of its own: `python -m simulator.speech.general_worker`.

It holds Python's lock while it decodes, which the simulator's clock could not bear. Frames as in `pipes` cross
standard input and output, one reply for each request, in order; the process ends when its standard input does.

A request is one letter, a little-endian 32-bit stream number, and mono int16 samples at 16 kHz: `o` opens the
stream, `a` adds to it, `f` adds the last and ends it, `d` drops it. A reply is JSON, a list of `[word, start_ms,
end_ms, confidence]` of all audio of the stream so far, final after `f`, or `{"error": str}`.
"""

from __future__ import annotations

import json
import re
import struct
from typing import Any, Final

from simulator.speech.pipes import pack, read_frame, worker_streams

MOST_STREAMS: Final = 4
FRAME_MS: Final = 10
# Posterior probabilities exist after the second pass only.
UNKNOWN_CONFIDENCE: Final = 0.5
# Sentence marks, silence and noises are no words.
_MARK: Final = re.compile(r"[<\[+]")
_PRONUNCIATION: Final = re.compile(r"\(\d+\)$")


class Decoders:
    """Decoders in use by stream, and those that wait for the next one."""

    def __init__(self) -> None:
        self._busy: dict[int, Any] = {}
        self._idle: list[Any] = []

    def answer(self, request: bytes) -> object:
        action, stream = request[:1], struct.unpack_from("<I", request, 1)[0]
        if action == b"o":
            if len(self._busy) >= MOST_STREAMS:
                return {"error": f"{MOST_STREAMS} streams are being decoded already"}
            self._busy[stream] = self._idle.pop() if self._idle else _new_decoder()
            self._busy[stream].start_utt()
        decoder = self._busy.get(stream)
        if decoder is None:
            return [] if action == b"d" else {"error": f"there is no stream {stream}"}
        if len(request) > 5:
            decoder.process_raw(request[5:], False, False)
        if action in (b"f", b"d"):
            decoder.end_utt()
            self._idle.append(self._busy.pop(stream))
        return _words(decoder, final=action == b"f")


def _new_decoder() -> Any:
    from pocketsphinx import Decoder

    # Measured on 15 sentences through µ-law against the defaults: 66 instead of 74 % of words wrong, 0.21 instead
    # of 0.36 of real time, and 20 instead of 490 ms for the last pass.
    return Decoder(loglevel="FATAL", fwdflat=False, maxhmmpf=5000)


def _words(decoder: Any, *, final: bool) -> list[tuple[str, int, int, float]]:
    if decoder.hyp() is None:
        return []
    return [
        (
            _PRONUNCIATION.sub("", segment.word),
            segment.start_frame * FRAME_MS,
            (segment.end_frame + 1) * FRAME_MS,
            min(max(segment.prob, 0.0), 1.0) if final else UNKNOWN_CONFIDENCE,
        )
        for segment in decoder.seg()
        if not _MARK.match(segment.word)
    ]


def main() -> None:
    requests, replies = worker_streams()
    decoders = Decoders()
    while (request := read_frame(requests)) is not None:
        replies.write(pack(json.dumps(decoders.answer(request)).encode()))
        replies.flush()


if __name__ == "__main__":
    main()
