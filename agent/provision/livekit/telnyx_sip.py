"""What Telnyx expects of a SIP trunk to it. Pure.

Sources: Telnyx' LiveKit configuration guide (developers.telnyx.com, voice/sip-trunking) for the header, the
number formats and the codecs; sip.telnyx.com and voice/sip-trunking/routing/failover-and-retries for the
addresses, which name different ones outside the US: both are known here.
"""

from __future__ import annotations

import ipaddress

ADDRESS = "sip.telnyx.com"
HEADER = "X-Telnyx-Username"
"""Sent with each call, as the trunk's user name: LiveKit Cloud calls from addresses that many customers share, so
that without it a call may be routed and billed to another account."""
CODECS = ("G722", "PCMU", "PCMA", "G729", "OPUS")
"""Those that a Telnyx connection offers unless it is set otherwise; OPUS over TCP and TLS alone."""

_HOSTS = ("telnyx.com", "telnyx.eu", "telnyx.ca", "telnyx.com.au", "telnyx.asia")
_SIGNALLING = (
    "192.76.120.10", "64.16.250.10", "192.76.120.31", "64.16.250.13", "193.108.220.10", "193.108.220.25",
    "185.246.41.140", "185.246.41.141", "5.172.39.10", "5.172.39.25", "103.115.244.145", "103.115.244.146",
    "103.135.104.10", "103.135.104.25", "103.115.244.158", "103.115.244.159",
)  # fmt: skip


def is_telnyx(address: str) -> bool:
    """Whether a trunk's address, host[:port], is one of Telnyx' SIP hosts or signalling addresses."""
    host = address.rsplit(":", 1)[0].lower().rstrip(".")
    return host in _SIGNALLING or any(host == known or host.endswith(f".{known}") for known in _HOSTS)


def lets_telnyx_in(allowed: list[str]) -> bool:
    """Whether a trunk's ``allowed_addresses`` hold one of the addresses from which Telnyx sends calls. None of
    them means that everybody may; host names are compared with the call's From."""
    if not allowed:
        return True
    for mask in allowed:
        try:
            network = ipaddress.ip_network(mask, strict=False)
        except ValueError:
            if is_telnyx(mask):
                return True
            continue
        if any(ipaddress.ip_address(address) in network for address in _SIGNALLING):
            return True
    return False
