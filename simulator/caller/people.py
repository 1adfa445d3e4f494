"""The people and machines of the presets: what they say, in what order."""

from __future__ import annotations

from typing import Final

from simulator.caller.machine_party import Machine
from simulator.caller.menu_party import Menu
from simulator.caller.prelude_party import Prelude
from simulator.caller.script import Script, Turn
from simulator.caller.tones import BEEP, FAX_ANSWER, HOLD_MUSIC, Pause, Speech

_REPLIES: Final = (
    Turn(user="Yes, speaking."),
    Turn(user="All right, that is fine with me."),
    Turn(user="No, that is all. Thank you. Goodbye."),
)

RESIDENCE: Final = Script(turns=(Turn(user="Hello?"), *_REPLIES), wait_for_greeting=False)
BUSINESS: Final = Script(turns=(Turn(user="Acme, how can I help you?"), *_REPLIES), wait_for_greeting=False)
HEARS_NOTHING: Final = Script(
    turns=(Turn(user="Hello?"), Turn(user="Hello? Is anybody there?"), Turn(user="I can not hear you.")),
    wait_for_greeting=False,
    answer_timeout_ms=4000,
)

_GREETING: Final = Speech(
    "Hi, this is Jane Miller. I can not come to the phone right now. Please leave a message after the tone."
)
VOICEMAIL: Final = Machine((Pause(400), _GREETING, Pause(400), BEEP), beep=3)
VOICEMAIL_WITHOUT_BEEP: Final = Machine((Pause(400), _GREETING))
FAX: Final = Machine(FAX_ANSWER, listen_ms=4000, quiet_ms=4000)

MENU: Final = Menu(
    "Welcome to Acme. For sales, press 1. For support, press 2. For our opening hours, press 3. "
    "To hear this again, press 9.",
    {
        "1": "Thank you. Our sales team will call you back today. Goodbye.",
        "2": Menu(
            "Support. For a new device, press 1. For a repair, press 2. To go back, press star.",
            {
                "1": "Your new device is on its way. Goodbye.",
                "2": "Please send your device to our workshop. Goodbye.",
            },
        ),
        "3": "We are open from nine to five, Monday to Friday. Goodbye.",
    },
)
HOLD: Final = Prelude(
    (Pause(400), Speech("All our lines are busy. Please hold."), Pause(400), *HOLD_MUSIC * 3), BUSINESS
)
SCREENING: Final = Prelude(
    (
        Pause(400),
        Speech("Hi. If you record your name and reason for calling, I will see if this person is available."),
    ),
    RESIDENCE,
    reply_ms=15_000,
)
