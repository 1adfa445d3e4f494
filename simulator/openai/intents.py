"""What a caller wants, read from the words alone. Pure."""

from __future__ import annotations

import re
from typing import Final, Literal

from simulator.openai.words import closest, read_ordinal, words

Task = Literal["book", "move", "cancel"]
Topic = Literal["hours", "address", "price", "person"]


def _phrases(pattern: str) -> re.Pattern[str]:
    """Any of the phrases, as whole words of a text from `_plain`."""
    return re.compile(rf"\b(?:{pattern})\b")


# Moving and cancelling are named together with the appointment, so they are looked for first.
_TASKS: Final[dict[Task, re.Pattern[str]]] = {
    "move": _phrases(
        r"mov(?:e|ed|ing)|reschedul(?:e|ed|ing)|postpone|changed?|another day|different (?:day|time)"
    ),
    "cancel": _phrases(r"cancel(?:led|ling)?|call off"),
    "book": _phrases(
        r"book|appointment|schedule|see (?:the|a) (?:doctor|dentist)|come in|any(?:thing)? (?:free|slots?|on)|"
        r"free|availab(?:le|ility)|slots?"
    ),
}
_TOPICS: Final[dict[Topic, re.Pattern[str]]] = {
    "hours": _phrases(r"open|opening|opening hours|hours|closed?|closing|what time do you"),
    "address": _phrases(r"address|where are you|locat(?:ed|ion)|find you|directions|parking|get there"),
    "price": _phrases(r"prices?|costs?|how much|charge|fees?|expensive"),
    "person": _phrases(
        r"speak to (?:someone|somebody)|real person|a human|talk to a person|operator|receptionist"
    ),
}
_LONG_WORDS: Final = ("appointment", "reschedule", "postpone", "cancel", "address", "opening", "price")

_YES: Final = _phrases(r"yes|yeah|yep|sure|okay|ok|correct|right|please|perfect|great|fine|good")
_NO: Final = _phrases(r"no|nope|not|nothing|neither|none|don't")
_THANKS: Final = _phrases(r"thanks?|cheers")
_GOODBYE: Final = _phrases(r"good ?bye|bye|that(?:'s| is| will be) all|hang up")
_WAIT: Final = _phrases(r"wait|stop|hold on|hang on|(?:one|just a) (?:moment|second)")
_REPEAT: Final = _phrases(
    r"repeat|say (?:that|it) again|pardon|come again|what (?:did you say|was that)|didn't (?:catch|get)|once more"
)
_HELLO: Final = _phrases(r"hello|hi|hey|good (?:morning|afternoon|evening)")
_REASON: Final = _phrases(
    r"check ?up|cleaning|filling|tooth ?ache|(?:back |knee |chest |stomach )?pain|head ?ache|vaccination|"
    r"blood test|prescription|follow ?up|consultation|flu|fever|cough|new glasses|eye test"
)

_NAME_LEAD: Final = re.compile(r"\b(?:(?:my|the) (?:full )?name(?:'s| is|s)|this is)\s+(.+)")
_NAME_LEAD_WHEN_ASKED: Final = re.compile(r"\b(?:i am|i'm|it's|it is|that's|under)\s+(.+)")
_FILLER: Final = re.compile(r"um|uh|er|well|so|yes|sure|okay|ok|sorry|it's|it|is|the|please|oh")
_NO_NAME: Final = re.compile(
    r"a|about|an|and|any|appointment|at|because|but|calling|can|could|did|do|does|fine|for|from|going|good|have|here|"
    r"how|i|important|in|interested|is|just|like|looking|me|my|need|not|of|on|or|regarding|sorry|sure|thanks?|that|the|there|"
    r"to|today|tomorrow|urgent|want|what|when|where|which|who|why|will|with|wondering|would|yes|you|your|"
    r"morning|afternoon|o'clock|half|past|(?:mon|tues|wednes|thurs|fri|satur|sun)day"
)
_NAME_WORD: Final = re.compile(r"[a-z][a-z'-]*")
_CHOICE_WORDS: Final = {
    "earlier": 0,
    "earliest": 0,
    "former": 0,
    "later": -1,
    "latter": -1,
    "latest": -1,
    "last": -1,
}


def task_of(text: str) -> Task | None:
    plain = _plain(text)
    return next((task for task, pattern in _TASKS.items() if pattern.search(plain)), None)


def topic_of(text: str) -> Topic | None:
    """What a question is about that needs no calendar."""
    plain = _plain(text)
    return next((topic for topic, pattern in _TOPICS.items() if pattern.search(plain)), None)


def is_yes(text: str) -> bool:
    return bool(_YES.search(_plain(text))) and not is_no(text)


def is_no(text: str) -> bool:
    return bool(_NO.search(_plain(text)))


def is_thanks(text: str) -> bool:
    return bool(_THANKS.search(_plain(text)))


def is_goodbye(text: str) -> bool:
    return bool(_GOODBYE.search(_plain(text)))


def is_wait(text: str) -> bool:
    return bool(_WAIT.search(_plain(text)))


def is_repeat(text: str) -> bool:
    return bool(_REPEAT.search(_plain(text)))


def is_greeting(text: str) -> bool:
    return len(words(text)) <= 4 and bool(_HELLO.search(_plain(text)))


def choice_of(text: str) -> int | None:
    """The index into what was offered: "the first one" is 0, "the later" is -1."""
    spoken = words(text)
    for index, word in enumerate(spoken):
        if word in _CHOICE_WORDS:
            return _CHOICE_WORDS[word]
        found = read_ordinal(spoken[index:])
        if found is not None and found[0] <= 3 and spoken[index + 1 : index + 2] != ["of"]:
            return found[0] - 1
    return None


def name_of(text: str, *, asked: bool) -> str | None:
    """A name in title case. `asked` also takes the bare words, as the answer to "your name?" is one."""
    lowered = text.lower().replace("’", "'")
    for lead in (_NAME_LEAD, _NAME_LEAD_WHEN_ASKED) if asked else (_NAME_LEAD,):
        found = lead.search(lowered)
        name = _leading_name(found[1]) if found else None
        if name is not None:
            return name
    if not asked:
        return None
    bare = [word for word in words(text) if not _FILLER.fullmatch(word)]
    return _leading_name(" ".join(bare)) if len(bare) <= 4 else None


def reason_of(text: str) -> str | None:
    """What the appointment is for, when it is one of the usual reasons."""
    found = _REASON.search(_plain(text))
    return found[0] if found else None


def _leading_name(rest: str) -> str | None:
    """The first one to three words, up to one that cannot be a name."""
    name: list[str] = []
    for word in re.split(r"[\s,.!?]+", rest.strip())[:3]:
        if _NO_NAME.fullmatch(word) or not _NAME_WORD.fullmatch(word):
            break
        name.append(re.sub(r"(?:\b[a-z]'|^|-)[a-z]", lambda found: found[0].upper(), word))
    return " ".join(name) or None


def _plain(text: str) -> str:
    """The words, with long ones that came out a little wrong put right."""
    return " ".join(closest(word, _LONG_WORDS) or word for word in words(text))
