"""The simulator that runs, in this process or another, as its commands reach it over `/sim`."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import httpx
import msgspec

from simulator import state_file
from simulator.settings import SettingsError

_TIMEOUT_S: Final = 10.0


class Refused(Exception):
    """The simulator did not do what it was asked; one sentence. `status` is that of HTTP, 0 without an answer."""

    def __init__(self, text: str, status: int = 0) -> None:
        super().__init__(text)
        self.status = status


class BadOrder(Refused):
    """The call that was ordered makes no sense."""


class Running:
    """A client of `/sim`; close it after use."""

    def __init__(self, url: str, token: str) -> None:
        self._client = httpx.AsyncClient(
            base_url=f"{url}/sim",
            headers={"authorization": f"Bearer {token}"},
            timeout=_TIMEOUT_S,
            trust_env=False,
        )

    async def __aenter__(self) -> Running:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()

    async def healthy(self) -> bool:
        try:
            await self.ask("GET", "/health")
        except Refused:
            return False
        return True

    async def why_silent(self) -> str:
        """What keeps the simulator from speaking and what to do about it, in one sentence, or nothing."""
        speech = (await self.ask("GET", "/health")).get("speech", {})
        return speech.get("why_not") or ""

    async def environment(self) -> dict[str, str]:
        return await self.ask("GET", "/environment")

    async def place(self, order: dict[str, Any]) -> str:
        """Make a call; returns its call_control_id. Raises BadOrder."""
        try:
            return (await self.ask("POST", "/calls", order))["call_control_id"]
        except Refused as refused:
            if refused.status in (400, 422):
                raise BadOrder(str(refused), refused.status) from None
            raise

    async def report(self, call: str, wait_s: float = 0.0) -> dict[str, Any]:
        """The account of a call once all of it is known, or as it stands after `wait_s` seconds."""
        return await self.ask("GET", f"/calls/{quote(call, safe='')}?wait_ms={round(wait_s * 1000)}")

    async def hang_up(self, call: str) -> None:
        """Let the caller hang up. A call that is over already is no failure."""
        await self.ask("DELETE", f"/calls/{quote(call, safe='')}")

    async def ask(self, method: str, path: str, body: Any = None) -> Any:
        """The decoded answer to one request. Raises Refused."""
        try:
            answer = await self._client.request(method, path, json=body)
            content = answer.json() if answer.content else {}
        except httpx.HTTPError as error:
            raise Refused(f"The simulator does not answer: {_said(error)}.") from error
        except ValueError:
            raise Refused(f"What answers at {self._client.base_url} is not the simulator.") from None
        if not isinstance(content, dict):
            raise Refused(f"What answers at {self._client.base_url} is not the simulator.")
        if answer.is_success:
            return content
        error = content.get("error")
        said = error.get("message") if isinstance(error, dict) else None
        raise Refused(
            said or f"The simulator answered {answer.status_code} to {method} /sim{path}.", answer.status_code
        )


async def find(data_dir: Path) -> Running | None:
    """The simulator that runs with this data folder, if there is one. Raises SettingsError."""
    try:
        state = msgspec.json.decode((data_dir / state_file.NAME).read_bytes(), type=state_file.State)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError) as error:
        raise SettingsError(f"{data_dir / state_file.NAME} cannot be read: {error}.") from error
    running = Running(f"http://127.0.0.1:{state.port}", state.token)
    if await running.healthy():
        return running
    await running.__aexit__()
    return None


def _said(error: Exception) -> str:
    return f"{type(error).__name__} {error}".strip()
