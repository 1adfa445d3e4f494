"""The environment that points a bot at the simulator. Pure."""

from __future__ import annotations

from typing import Final

API_KEY: Final = "simulated"


def environment(host: str, port: int, public_key: str) -> dict[str, str]:
    """Names and values as the vendors' clients read them; `public_key` is Telnyx's webhook key in base64."""
    authority = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return {
        "TELNYX_BASE_URL": f"http://{authority}/v2",
        "TELNYX_API_KEY": API_KEY,
        "TELNYX_PUBLIC_KEY": public_key,
        "ASSEMBLYAI_BASE_URL": f"ws://{authority}",
        "ASSEMBLYAI_API_KEY": API_KEY,
        "OPENAI_BASE_URL": f"http://{authority}/v1",
        "OPENAI_API_KEY": API_KEY,
        "DEEPGRAM_BASE_URL": f"ws://{authority}",
        "DEEPGRAM_API_KEY": API_KEY,
    }
