"""The front desk: what it has understood so far, and what it does next. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Final

from simulator.openai import intents
from simulator.openai.calendar_words import read_day, read_part, say_day
from simulator.openai.clock_words import Clock, read_clock, say_time
from simulator.openai.intents import Task, Topic
from simulator.openai.tools import Known, Missing, Role, Slot, Tool, arguments, failure_in, slots_in

_ASKED_NAME: Final = "name"


@dataclass(frozen=True, slots=True)
class Say:
    text: str
    asks: str | None = None
    """The argument that the question at its end is about."""
    finishes: bool = False
    """Whether the task is done once this is said."""


@dataclass(frozen=True, slots=True)
class UseTool:
    tool: Tool
    role: Role
    arguments: dict[str, Any]


Step = Say | UseTool


@dataclass(slots=True)
class Desk:
    """One conversation. `hear` and `see_result` are its inputs, `next_step` says where the task stands."""

    today: date
    tools: dict[Role, Tool]
    known: Known = field(default_factory=Known)
    task: Task | None = None
    done: bool = False
    slots: tuple[Slot, ...] | None = None
    trouble: str | None = None
    """What a tool said when it failed, until the caller says something new."""
    progressed: bool = False
    """Whether the caller's last words told the desk something about its task."""
    topic: Topic | None = None
    asked: str | None = None
    """The argument that the desk's open question is about."""
    _searched: tuple[date | None, str | None] | None = None
    _clock: Clock | None = None
    _finishing: bool = False

    def hear(self, text: str) -> None:
        """Take in what the caller said."""
        self.done = self.done or self._finishing
        self.trouble = None
        self.progressed = False
        self.topic = intents.topic_of(text)
        if self.topic is None:
            self._take_task(text)
            self._take_time(text)
            if self._open():
                self._take_answer(text)
        self._note_question()

    def see_result(self, role: Role | None, result: Any) -> None:
        """Take in what a tool answered."""
        failure = failure_in(result)
        match role:
            case "search":
                self.slots = () if failure is not None else slots_in(result, self.known.day)
                self.trouble = failure
                self._choose_by_clock()
            case "book" | "cancel" if failure is not None:
                self.trouble = failure or "that did not work"
                self._drop_slot()
            case "book" | "cancel":
                self.done = True
            case _:
                self.trouble = failure
        self._note_question()

    def next_step(self) -> Step:
        """What the task needs next. Call it while a task is open."""
        if self.task == "cancel" and "cancel" not in self.tools:
            return self._cancel_by_note()
        if self.task == "cancel":
            return self._use("cancel")
        if self.known.day is None:
            return Say("Of course. Which day would suit you?", "day")
        if "search" in self.tools:
            wanted = (self.known.day, self.known.part or "any")
            if self.slots is None or self._searched != wanted:
                return self._use("search")
            if self.known.slot is None:
                return self._offer(self.slots)
        elif self._clock is None:
            return Say(f"And what time on {say_day(self.known.day)}?", "time")
        if self.known.name is None:
            return Say(f"{self._when()}, all right. May I have your name?", _ASKED_NAME)
        if "book" in self.tools:
            return self._use("book")
        return Say(f"I have noted {self._when()} for {self.known.name}. Is there anything else?", finishes=True)

    def outcome(self) -> str:
        """What the desk says when the task is done."""
        if self.task == "cancel":
            return "Your appointment is cancelled. Is there anything else I can do for you?"
        done = "Your appointment is moved to" if self.task == "move" else "You are booked for"
        return f"{done} {self._when()}. Is there anything else?"

    def remember_call(self, role: Role | None) -> None:
        """A tool was called with what is known now."""
        if role == "search":
            self._searched = (self.known.day, self.known.part or "any")

    def forget_call(self, role: Role | None) -> None:
        """The call of a tool was called off, so its answer is still wanted."""
        if role == "search":
            self._searched = None

    def _open(self) -> bool:
        return self.task is not None and not self.done

    def _take_task(self, text: str) -> None:
        task = intents.task_of(text)
        if task is None:
            return
        self.progressed = True
        # "Change it to Friday" in the middle of a booking is still that booking.
        if not self._open() or (task == "cancel" and self.task != "cancel"):
            self._begin(task)

    def _begin(self, task: Task) -> None:
        self.task, self.done = task, False
        self.known = Known(name=self.known.name)
        self.slots = self._searched = self._clock = None

    def _take_time(self, text: str) -> None:
        day, part = read_day(text, self.today), read_part(text)
        if day is None and part is None:
            return
        if not self._open():
            if intents.is_goodbye(text) or intents.is_thanks(text):
                return
            self._begin("move" if self.done else "book")
        self.progressed = True
        if day is not None and day != self.known.day:
            self.known = replace(self.known, day=day, slot=None, start=None)
            self._clock = None
        if part is not None and part != self.known.part:
            self.known = replace(self.known, part=part, slot=None, start=None)
            self._clock = None

    def _take_answer(self, text: str) -> None:
        if self.known.reason is None:
            self.known = replace(self.known, reason=intents.reason_of(text))
        if self.asked not in (None, "day", "time", "slot", _ASKED_NAME):
            if not self.progressed:
                self.known = replace(self.known, answers=(*self.known.answers, (self.asked, text)))
                self.progressed = True
            return
        self._take_clock_or_choice(text)
        interjects = intents.is_wait(text) or intents.is_repeat(text)
        name = intents.name_of(text, asked=self.asked == _ASKED_NAME and not interjects)
        if name is not None:
            self.known, self.progressed = replace(self.known, name=name), True

    def _take_clock_or_choice(self, text: str) -> None:
        offered = self.slots if self.known.slot is None else None
        clock = read_clock(text, bare=bool(offered) or self.asked == "time")
        if clock is not None:
            self._clock, self.progressed = clock, True
            self.known = replace(self.known, start=clock.resolve(), slot=None)
            self._choose_by_clock()
        elif offered:
            self._choose(text, offered)

    def _choose(self, text: str, slots: tuple[Slot, ...]) -> None:
        choice = intents.choice_of(text)
        if choice is None and len(slots) == 1 and intents.is_yes(text):
            choice = 0
        if choice is not None and choice < len(slots):
            self.known, self.progressed = replace(self.known, slot=slots[choice]), True

    def _choose_by_clock(self) -> None:
        if self._clock is None or not self.slots:
            return
        wanted = self._clock.resolve()
        chosen = next((slot for slot in self.slots if slot.start == wanted), None)
        if chosen is not None:
            self.known = replace(self.known, slot=chosen)

    def _drop_slot(self) -> None:
        gone = self.known.slot
        self.known = replace(self.known, slot=None)
        self._clock = None
        if self.slots is not None:
            self.slots = tuple(slot for slot in self.slots if slot != gone)

    def _note_question(self) -> None:
        """Remember what the desk is about to ask, so that the next words can be taken as the answer."""
        step = self.next_step() if self._open() else None
        self.asked = step.asks if isinstance(step, Say) else None
        self._finishing = isinstance(step, Say) and step.finishes

    def _use(self, role: Role) -> Step:
        tool = self.tools[role]
        try:
            return UseTool(tool, role, arguments(tool, self.known))
        except Missing as missing:
            if "name" in missing.argument.lower():
                return Say("May I have your name, please?", _ASKED_NAME)
            return Say(f"What is your {missing.argument.replace('_', ' ')}, please?", missing.argument.lower())

    def _offer(self, slots: tuple[Slot, ...]) -> Say:
        day = say_day(self.known.day or self.today)
        if not slots:
            part = f" in the {self.known.part}" if self.known.part in ("morning", "afternoon") else ""
            return Say(f"I am sorry, there is nothing free on {day}{part}. Would another day suit you?", "day")
        times = [say_time(slot.start) for slot in slots]
        if len(times) == 1:
            return Say(f"On {day} I have {times[0]}. Does that suit you?", "slot")
        return Say(f"On {day} I have {', '.join(times[:-1])} and {times[-1]}. Which one suits you?", "slot")

    def _cancel_by_note(self) -> Say:
        if self.known.name is None:
            return Say("I can pass that on. May I have your name?", _ASKED_NAME)
        return Say(
            f"I have noted that {self.known.name} would like to cancel. Is there anything else?", finishes=True
        )

    def _when(self) -> str:
        slot = self.known.slot
        day = slot.day if slot else self.known.day or self.today
        start = slot.start if slot else self.known.start
        return say_day(day) + (f" at {say_time(start)}" if start else "")
