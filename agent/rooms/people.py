"""Who is in a room, by what LiveKit says of them and by the passes that we gave out."""

from __future__ import annotations

from typing import Final, Literal

from livekit import rtc

from agent.rooms.passes import Holder, Passes

Kind = Literal["sip", "agent", "operator", "other"]
SIP: Final = "sip."
WEB: Final = "web:"
"""Before the identity of a caller who has no telephone, where a number would stand."""
_REASONS: Final[dict[int | None, str]] = {value: name.lower() for name, value in rtc.DisconnectReason.items()}
_CALLERS: Final = (
    rtc.ParticipantKind.PARTICIPANT_KIND_SIP,
    rtc.ParticipantKind.PARTICIPANT_KIND_STANDARD,
    rtc.ParticipantKind.PARTICIPANT_KIND_CONNECTOR,
)


class People:
    """The people of one room. ``callee`` is the identity of the only one who can be the caller, if there is one:
    in a room that we made for a call of ours, nobody else is."""

    def __init__(self, room: str, passes: Passes, callee: str = "") -> None:
        self._room, self._passes, self._callee = room, passes, callee

    def kind(self, participant: rtc.Participant) -> Kind:
        if self.operator(participant) is not None:
            return "operator"
        match participant.kind:
            case rtc.ParticipantKind.PARTICIPANT_KIND_SIP:
                return "sip"
            case rtc.ParticipantKind.PARTICIPANT_KIND_AGENT:
                return "agent"
            case _:
                return "other"

    def operator(self, participant: rtc.Participant) -> Holder | None:
        """The pass that somebody came with. An attribute proves nothing: other keys' holders may set it too."""
        return self._passes.holder(self._room, participant.identity)

    def may_be_caller(self, participant: rtc.Participant) -> bool:
        if self._callee:
            return participant.identity == self._callee and is_sip(participant)
        return participant.kind in _CALLERS and self.operator(participant) is None


def is_sip(participant: rtc.Participant) -> bool:
    return participant.kind == rtc.ParticipantKind.PARTICIPANT_KIND_SIP


def sip_attributes(participant: rtc.Participant) -> dict[str, str]:
    """The ``sip.*`` attributes without that prefix (livekit/protocol ``livekit/attrs.go``)."""
    found = participant.attributes.items()
    return {name.removeprefix(SIP): value for name, value in found if name.startswith(SIP)}


def numbers(participant: rtc.Participant) -> tuple[str, str]:
    """Who calls, and which number they called; a participant without a telephone is named by identity."""
    if not is_sip(participant):
        return f"{WEB}{participant.identity}", ""
    attributes = sip_attributes(participant)
    return attributes.get("phoneNumber") or participant.identity, attributes.get("trunkPhoneNumber", "")


def reason_of(reason: int | None) -> str:
    """LiveKit's disconnect reason in lower case, such as user_rejected."""
    return _REASONS.get(reason, "unknown_reason")
