"""How far what is heard of a LiveKit room is behind it, as WebRTC tells in its statistics."""

from __future__ import annotations

from livekit import rtc

from console.sound.clock import RATE


class RoomDelay:
    """Looked at once a second. LiveKit's server is in the middle of the way, so all of it is an estimate: half the
    round trip to the server, and WebRTC's jitter buffer."""

    def __init__(self) -> None:
        self.behind_s = 0.0
        self.concealed_s = 0.0
        """Sound that WebRTC made up because the real one had not come."""
        self._counts: dict[str, tuple[float, int]] = {}

    async def look(self, room: rtc.Room) -> None:
        """Raises RuntimeError for a room that is not joined any more."""
        stats = await room.get_rtc_stats()
        round_trip_s, held_s, concealed = 0.0, 0.0, 0
        counts: dict[str, tuple[float, int]] = {}
        # Where one connection carries both directions, all of it is the publisher's.
        for one in (*stats.publisher_stats, *stats.subscriber_stats):
            kind = one.WhichOneof("stats")
            if kind == "candidate_pair" and one.candidate_pair.candidate_pair.nominated:
                round_trip_s = max(round_trip_s, one.candidate_pair.candidate_pair.current_round_trip_time)
            elif kind == "inbound_rtp":
                heard = one.inbound_rtp.inbound
                counts[one.inbound_rtp.rtc.id] = now = heard.jitter_buffer_delay, heard.jitter_buffer_emitted_count
                before = self._counts.get(one.inbound_rtp.rtc.id, (0.0, 0))
                samples = now[1] - before[1]
                if samples > 0:
                    held_s = max(held_s, (now[0] - before[0]) / samples)
                concealed += max(0, heard.concealed_samples - heard.silent_concealed_samples)
        self._counts = counts
        self.behind_s, self.concealed_s = round_trip_s / 2 + held_s, concealed / RATE
