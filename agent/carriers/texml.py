"""The TeXML that answers an incoming call: connect it to our media socket, and hang up when that is over.

Attributes and defaults are those of Telnyx's page on the ``<Stream>`` verb. ``enableReconnect`` is off because
a media address is good for one connection, and ``<Hangup/>`` follows so that no silence is paid for afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping
from xml.sax.saxutils import quoteattr

from agent.carriers.line_codec import LineFormat

CONTENT_TYPE = "application/xml"


def answer(stream_url: str, parameters: Mapping[str, str], media: LineFormat, status_callback: str = "") -> str:
    """The document for one call, with ``media`` asked for both ways; ``parameters`` come back in the media
    socket's start message."""
    inner = "".join(f"<Parameter name={quoteattr(k)} value={quoteattr(v)}/>" for k, v in parameters.items())
    callback = f" statusCallback={quoteattr(status_callback)}" if status_callback else ""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<Response><Connect><Stream url={quoteattr(stream_url)} track="inbound_track" codec="{media.encoding}"'
        f' bidirectionalMode="rtp" bidirectionalCodec="{media.encoding}" enableReconnect="false"{callback}>'
        f"{inner}</Stream></Connect><Hangup/></Response>\n"
    )


def reject(reason: str = "busy") -> str:
    """Refuse an incoming call: ``busy`` or ``rejected``."""
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<Response><Reject reason={quoteattr(reason)}/></Response>\n'
