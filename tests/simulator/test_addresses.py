from __future__ import annotations

import pytest

from simulator.addresses import is_loopback, is_url, shown


@pytest.mark.parametrize(
    ("url", "logged"),
    [
        ("ws://127.0.0.1:7860/ws/secret-token?body=secret", "ws://127.0.0.1:7860/ws/…"),
        ("https://user:secret@example.com/hooks?key=secret", "https://example.com/hooks"),
        ("http://[::1]:80", "http://[::1]:80/"),
    ],
)
def test_no_secret_of_an_address_is_logged(url: str, logged: str) -> None:
    assert shown(url) == logged


@pytest.mark.parametrize("url", ["", "x", "ftp://x", "ws://", "ws://x:0/", "ws://x:99999/", "ws://[", "WS//x"])
def test_what_is_no_address(url: str) -> None:
    assert not is_url(url, ("ws", "wss"))


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.3.2.1", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("x.y", False),
    ],
)
def test_loopback(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback
