"""Who wants to see the frames of a media stream as they were on the wire, such as a recorder."""

from __future__ import annotations

from typing import Protocol


class FrameTap(Protocol):
    def sent(self, text: str) -> None:
        """A frame that was given to the socket."""
        ...

    def received(self, message: str | bytes) -> None:
        """A message of the application, whole and before it is checked."""
        ...

    def closed(self, code: int, reason: str) -> None:
        """The socket is closed: the application's code, 1005 without one, 1006 without a closing handshake."""
        ...
