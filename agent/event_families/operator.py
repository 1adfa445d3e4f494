"""What people did: ``operator.*``. ``who`` is the person, as their client names them; ``at`` tells when."""

from __future__ import annotations

from typing import Literal

from agent.event_families.envelope import Event


class OperatorActed(Event, tag="operator.acted"):
    """Somebody did something through the API: ``action`` is dial, hangup, stop…; ``who`` is the client."""

    who: str
    action: str
    detail: str = ""


class OperatorListening(Event, tag="operator.listening"):
    """Somebody began or ceased to listen to the call; ``listeners`` is how many do so now."""

    who: str
    listening: bool
    listeners: int


class OperatorWhispered(Event, tag="operator.whispered"):
    """Guidance to the agent that the caller does not hear. ``spoken``: understood from the operator's voice."""

    who: str
    text: str
    spoken: bool = False


class OperatorSaid(Event, tag="operator.said"):
    """The agent's voice was told to speak ``text`` to the caller now."""

    who: str
    text: str


class OperatorMuted(Event, tag="operator.muted"):
    """The agent was silenced, or may speak again. ``reason`` is empty when ``who`` did it by hand; ``lost`` when
    their console was gone for the set time."""

    who: str
    muted: bool
    reason: Literal["", "lost"] = ""


class OperatorTookOver(Event, tag="operator.took_over"):
    """The operator's microphone is in the place of the agent's voice from now on; a mute ends with it."""

    who: str


class OperatorSpoke(Event, tag="operator.spoke"):
    """What the operator said to the caller, as it was understood, one turn of theirs."""

    who: str
    text: str


class OperatorHandedBack(Event, tag="operator.handed_back"):
    """The agent has the call again. ``who`` is who gave it back, the one who held it where they were ``lost``;
    ``held_ms`` is how long they held it."""

    who: str
    held_ms: int
    reason: Literal["", "lost", "ended"] = ""
