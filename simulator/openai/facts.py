"""What the front desk knows beyond the calendar: sentences of the bot's own system prompt first. Pure."""

from __future__ import annotations

import re
from datetime import date, time
from typing import Final

from simulator.openai.clock_words import say_time
from simulator.openai.intents import Topic

_ISO_DATE: Final = re.compile(r"\b(\d{4}-\d\d-\d\d)\b")
_PLACE: Final = re.compile(
    r"\b((?:[A-Z][\w'’]*\s){1,4}(?:Clinic|Practice|Dental|Dentistry|Surgery|Hospital|Centre|Center|Salon|Studio|Garage))\b"
)
_QUOTED_GREETING: Final = re.compile(
    r"\b(?:say|with|greet\w*|saying)\b[^\"“]{0,40}[\"“]([^\"”]{3,200})[\"”]", re.IGNORECASE
)
_INSTRUCTION: Final = re.compile(
    r"^\W*(you|your|never|always|do not|don't|use|keep|answer|ask|if|when|call|speak|be|greet|say|offer|remember|"
    r"today is|please|make sure|only|start|begin)\b",
    re.IGNORECASE,
)
_KEYWORDS: Final[dict[Topic, re.Pattern[str]]] = {
    "hours": re.compile(r"\b(open|opens|opening hours|hours|closed|closes)\b", re.IGNORECASE),
    "address": re.compile(r"\b(address|street|road|avenue|located|parking|floor|square)\b", re.IGNORECASE),
    "price": re.compile(r"\b(costs?|prices?|fees?|euros?|dollars?|pounds?|charge)\b|[€$£]", re.IGNORECASE),
    "person": re.compile(r"\b(transfer|colleague|call back|callback)\b", re.IGNORECASE),
}
_USUAL: Final[dict[Topic, str]] = {
    "hours": "We are open from Monday to Friday, eight to six.",
    "address": "You find us at twelve Mill Street, right beside the library.",
    "price": "A check-up is sixty dollars, and a cleaning is ninety.",
    "person": "I will ask a colleague to call you back.",
}
_CLOCK: Final = re.compile(r"\b([01]?\d|2[0-3]):([0-5]\d)\b")


def today_in(prompt: str) -> date | None:
    """The first ISO date of the prompt."""
    for found in _ISO_DATE.findall(prompt):
        try:
            return date.fromisoformat(found)
        except ValueError:
            continue
    return None


def greeting(prompt: str) -> str:
    """The greeting the prompt dictates, or one with the name of the place it speaks for."""
    quoted = _QUOTED_GREETING.search(prompt)
    if quoted is not None:
        return quoted[1].strip()
    place = _PLACE.search(prompt)
    name = re.sub(r"^(?:The|At|For|Of)\s", "", place[1]) if place else "the front desk"
    return f"Hello, this is {name}. How can I help you?"


def fact(topic: Topic, prompt: str) -> str:
    """One sentence about `topic`, with clock times in words."""
    sentences = re.split(r"(?<=[.!?])\s+|\n+", prompt)
    told = (sentence.strip(" -*•\t#") for sentence in sentences)
    found = next((s for s in told if _KEYWORDS[topic].search(s) and not _INSTRUCTION.match(s)), None)
    return _spoken(found) if found else _USUAL[topic]


def _spoken(sentence: str) -> str:
    worded = _CLOCK.sub(lambda found: say_time(time(int(found[1]), int(found[2]))), sentence)
    worded = re.sub(r"[*_`#]", "", worded).strip()
    return worded if worded.endswith((".", "!", "?")) else worded + "."
