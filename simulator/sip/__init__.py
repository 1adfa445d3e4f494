"""A simulated Telnyx SIP trunk: ``sip.telnyx.com`` on one loopback port, over UDP and TCP, with RTP beside it.

SIP is spoken by aiosipua and RTP by aiortp; who is at the telephones, and what a number does, is the exchange's,
as it is for calls over a media WebSocket.
"""

from __future__ import annotations
