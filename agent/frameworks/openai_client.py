"""The client of the language model that all calls share, whatever framework runs them."""

from __future__ import annotations

import logging
from typing import Any, cast

import httpx
from openai import AsyncOpenAI, DefaultAsyncHttpxClient, OpenAIError, Timeout

from agent.settings import Service

_CONNECT_S = 3.0
_RETRIES = 1
# OpenAI's client may be of httpx or of httpx2; either reads the limits of the other field by field.
_LIMITS = httpx.Limits(keepalive_expiry=300)

log = logging.getLogger(__name__)


def llm_client(service: Service, timeout_s: float) -> AsyncOpenAI:
    """A client that repeats a failed request once; ``timeout_s`` is how long the LLM may be silent."""
    return AsyncOpenAI(
        api_key=service.key,
        base_url=service.url,
        timeout=Timeout(timeout_s, connect=_CONNECT_S),
        max_retries=_RETRIES,
        # Open connections are kept for the next turn: a new one costs two round trips and a TLS handshake.
        http_client=DefaultAsyncHttpxClient(limits=cast("Any", _LIMITS)),
    )


async def warm(client: AsyncOpenAI) -> None:
    """Open a connection to the LLM: the first request of a process takes 90 ms longer than others."""
    try:
        await client.models.list()
    except OpenAIError as error:
        # Not every service lists its models; a key that is wrong shows at the first call.
        log.info("The language model's service did not list its models: %s", error)
