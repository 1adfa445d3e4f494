"""Every command, once: its name, keys, help and when it can be used.

The keys of the screen, the footer, the ``:`` prompt, the palette, the help and the command line's help texts are
all made from this table. A command named ``hangup`` is carried out by ``do_hangup`` of the main screen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from agent.desk import RecordingState


@dataclass(frozen=True, slots=True)
class Situation:
    """What decides whether a command can be used. ``agent`` and ``phone`` say in words why there is none, or
    nothing. ``heard`` is that the selected call is listened to here, ``holding`` that some caller hears this
    console's microphone, ``held_by`` who else holds the selected call."""

    agent: str = ""
    phone: str = ""
    calls: int = 0
    selected: bool = False
    selected_live: bool = False
    talking: bool = False
    turns: int = 0
    wide: bool = False
    remote: bool = False
    listening: bool = False
    in_room: bool = False
    heard: bool = False
    holding: bool = False
    held_by: str = ""
    muted: bool = False
    whispering: bool = False
    recording: RecordingState = ""
    ringing: bool = False


Reason = Callable[[Situation], str]
Label = Callable[[Situation], str]


def _always(_situation: Situation) -> str:
    return ""


def _needs_agent(situation: Situation) -> str:
    return situation.agent


def _needs_live_call(situation: Situation) -> str:
    if not situation.selected:
        return "no call is selected"
    return situation.agent if situation.selected_live else "the selected call has ended already"


def _needs_talk(situation: Situation) -> str:
    found = _needs_live_call(situation)
    return found or ("" if situation.talking else "nobody has answered the call yet")


def _needs_ears(situation: Situation) -> str:
    return "" if situation.heard else "you do not listen to the selected call; l does"


def _needs_phone(situation: Situation) -> str:
    return situation.phone or situation.agent


def _needs_ringing(situation: Situation) -> str:
    return "" if situation.ringing else "the softphone does not ring"


def _needs_take_over(situation: Situation) -> str:
    return "" if situation.holding else _needs_talk(situation)


def _needs_recorded(situation: Situation) -> str:
    if not situation.selected:
        return "no call is selected"
    if situation.recording:
        return situation.agent
    return "the selected call was not recorded" + ("; p records it" if situation.selected_live else "")


def _needs_listening(situation: Situation) -> str:
    found = _needs_live_call(situation)
    return found or ("" if situation.listening else "the call's speech recognition is not connected yet")


def _needs_call(situation: Situation) -> str:
    return "" if situation.calls else "there are no calls yet; d dials one"


def _needs_turn(situation: Situation) -> str:
    return "" if situation.turns else "the selected call has no turns yet"


def _needs_room(situation: Situation) -> str:
    if not situation.selected:
        return "no call is selected"
    return "" if situation.in_room else "the selected call is in no LiveKit room"


def _needs_width(situation: Situation) -> str:
    return "" if situation.wide else "the event list needs a terminal of 120 columns"


def _needs_own_agent(situation: Situation) -> str:
    return "the agent is remote: restart it where it runs" if situation.remote else ""


@dataclass(frozen=True, slots=True)
class Command:
    """``label`` is for the footer, and may go by the situation. ``argument`` names what may follow
    the name at the prompt, in brackets when it may be left out. ``reason`` is empty when the command can be
    used, else it says why not."""

    name: str
    keys: tuple[str, ...]
    help: str
    label: str | Label = ""
    argument: str = ""
    reason: Reason = _always

    def label_in(self, situation: Situation) -> str:
        return self.label if isinstance(self.label, str) else self.label(situation)

    @property
    def usage(self) -> str:
        return f"{self.name} {self.argument}".rstrip()


def _listen(situation: Situation) -> str:
    return "unlisten" if situation.heard else "listen"


def _whisper(situation: Situation) -> str:
    return "end whisper" if situation.whispering else "whisper"


def _mute(situation: Situation) -> str:
    return "unmute" if situation.muted else "mute"


def _take_over(situation: Situation) -> str:
    return "HAND BACK" if situation.holding else "hand back" if situation.held_by else "take over"


def _record(situation: Situation) -> str:
    if situation.recording in ("started", "resumed"):
        return "pause rec"
    return "resume rec" if situation.recording == "paused" else "record"


COMMANDS = (
    Command("dial", ("d",), "Dial; a LIVE line asks first.", "dial",
            "[NUMBER]", _needs_agent),
    Command("dial-to", ("D",), "Ask for a number and dial it.", "dial to", "", _needs_agent),
    Command("hangup", ("x",), "Hang up the selected call, after asking.", "hang up", "[CALL]", _needs_live_call),
    Command("phone", ("m",), "The softphone: call the agent, or be called.", "phone", "", _needs_phone),
    Command("accept", ("enter",), "Take the call that rings.", "accept", "", _needs_ringing),
    Command("decline", ("backspace",), "Do not take the call that rings.", "decline", "", _needs_ringing),
    Command("listen", ("l",), "Listen to the call, or no more.", _listen, "", _needs_talk),
    Command("ears", ("L",), "Voices to the left and right, or mixed.", "left/right", "[split|mix]",
            _needs_ears),
    Command("whisper", ("w",), "Guide the agent, unheard; Tab speaks it.", _whisper, "[TEXT]",
            _needs_talk),
    Command("say", ("s",), "Let the agent's voice say this now.", "say", "[TEXT]", _needs_talk),
    Command("mute", ("M",), "Mute the agent, or let it speak again.", _mute, "", _needs_talk),
    Command("take-over", ("o",), "Speak to the caller yourself, or hand back.", _take_over, "",
            _needs_take_over),
    Command("record", ("p",), "Pause the recording, or go on, or begin one.", _record, "", _needs_talk),
    Command("play", ("r",), "Play the recording with the transcript.", "play", "", _needs_recorded),
    Command("sound", ("S",), "Microphone, speaker, echo and their levels.", "sound"),
    Command("follow", ("f", "end"), "Follow the end of the transcript.", "", "", _needs_call),
    Command("select", (), "Select a call by its number.", "", "CALL",
            _needs_call),
    Command("next", ("down", "]"), "Select the next call.", "", "", _needs_call),
    Command("previous", ("up", "["), "Select the previous call.", "", "", _needs_call),
    Command("previous-turn", ("left",), "Look at the turn before.", "turns", "", _needs_turn),
    Command("next-turn", ("right",), "Look at the turn after.", "", "", _needs_turn),
    Command("inspect", ("i",), "Look at why turns ended, then in full.", "inspect", "", _needs_call),
    Command("room", ("v",), "View the call's room: SIP, and who is in it.", "view room", "", _needs_room),
    Command("stt", ("t",), "Retune the call; :stt end, :stt save.", "tune",
            "[NAME=VALUE]", _needs_listening),
    Command("page-up", ("pageup",), "Scroll back."),
    Command("page-down", ("pagedown",), "Scroll on."),
    Command("top", ("home",), "Scroll to the beginning."),
    Command("log", ("g",), "Show or leave the agent's log.", "log"),
    Command("errors", ("e",), "Show only errors in the event list.", "", "", _needs_width),
    Command("all", ("a",), "Show all events in the event list.", "", "", _needs_width),
    Command("zoom", ("z",), "Give the transcript the whole screen, or back.", "zoom", "", _needs_call),
    Command("restart", ("R",), "Stop the agent and its calls, start it anew.", "restart", "",
            _needs_own_agent),
    Command("palette", ("ctrl+p",), "Search the commands."),
    Command("prompt", (":",), "Type a command.", "command"),
    Command("help", ("?",), "Show the keys and what they do.", "help"),
    Command("back", ("escape", "q"), "Leave what is open."),
    Command("quit", ("ctrl+q",), "Leave; asks first while calls are live.", "quit"),
)  # fmt: skip

BY_NAME = {command.name: command for command in COMMANDS}

_RINGING = ("accept", "decline")
WORDY = ("say", "whisper")
"""Their keys begin a sentence."""
_HOLDING = ("take-over", "hangup", "say", "whisper", "record")
_LIVE = (
    "hangup", "listen", "take-over", "whisper", "say", "mute", "dial", "room", "stt", "record", "phone", "ears",
)  # fmt: skip
_ENDED = ("dial", "room", "play", "phone", "previous-turn", "inspect")
_ALWAYS = (
    "dial", "dial-to", "phone", "previous-turn", "inspect", "log", "zoom", "sound", "restart", "prompt", "quit",
)  # fmt: skip


def for_footer(situation: Situation) -> tuple[Command, ...]:
    """The commands that the footer offers, the most urgent first."""
    if situation.holding:
        first = _HOLDING
    elif situation.selected:
        first = _LIVE if situation.selected_live else _ENDED
    else:
        first = ()
    names = dict.fromkeys((*(_RINGING if situation.ringing else ()), *first, *_ALWAYS))
    return tuple(BY_NAME[name] for name in names if not BY_NAME[name].reason(situation))


COMMAND_LINE = {
    "call": "Make one call without the screen and judge it.",
    "calls": "List the last calls.",
    "show": "Show one call as text, or its events as JSON.",
    "stt": "Show, change or save the turn settings of a live call.",
    "listen": "Hear a live call, and read it.",
    "say": "Let the agent's voice say something to the caller now.",
    "whisper": "Tell the agent something that the caller does not hear.",
    "mute": "Silence the agent as long as this runs.",
    "take-over": "Speak to the caller in the agent's place.",
    "record": "Begin, pause or resume the recording of a live call.",
    "play": "Play the recording of a call.",
    "phone": "A softphone: talk to the agent with microphone and speaker.",
    "tune": "Try turn settings on recorded callers: cut-offs against waiting time.",
    "agent": "Run the agent alone, in the foreground.",
    "simulator": "Run the simulator alone, in the foreground.",
    "stop": "Stop the agent and simulator in the background.",
    "setup": "Make an account ready for calls: LiveKit's trunks and rule.",
    "doctor": "Check what is needed here, and how to get it.",
}
"""The subcommands of ``sidetone``; without one it opens the screen."""


class UnknownCommand(Exception):
    """There is no such command; the text names the nearest one."""


def parse(text: str) -> tuple[Command, str]:
    """A line of the ``:`` prompt as command and argument. A beginning of a name that fits only one is enough.

    Raises:
        UnknownCommand: no name fits, or more than one.
    """
    name, _, argument = text.strip().lstrip(":").partition(" ")
    found = BY_NAME.get(name)
    if found is None:
        fitting = [command for command in COMMANDS if name and command.name.startswith(name)]
        if len(fitting) == 1:
            found = fitting[0]
        elif fitting:
            raise UnknownCommand(f"{name!r} may be {' or '.join(command.name for command in fitting)}.")
        else:
            raise UnknownCommand(f"There is no command {name!r}: ? shows all of them.")
    argument = argument.strip()
    if argument and not found.argument:
        raise UnknownCommand(f"{found.name} takes nothing after it.")
    if not argument and found.argument and not found.argument.startswith("["):
        raise UnknownCommand(f"{found.name} needs {found.argument}.")
    return found, argument


_KEY_NAMES = {
    "up": "↑", "down": "↓", "left": "←", "right": "→", "pageup": "PgUp", "pagedown": "PgDn", "home": "Home",
    "end": "End", "escape": "Esc", "enter": "Enter", "backspace": "Bksp",  "ctrl+p": "^p", "ctrl+q": "^q",
}  # fmt: skip


def key_name(key: str) -> str:
    """A key as it is written for people."""
    return _KEY_NAMES.get(key, key)
