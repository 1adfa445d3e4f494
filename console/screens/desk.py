"""What an operator does in calls: listen, whisper, say, mute, take over, record, play, and telephone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Any, Literal

from agent import api
from console import playback, words
from console.client import AgentError
from console.sound import protocol
from console.sound_desk import NoSound, SoundDesk
from console.widgets import phone_panel, player_panel, sound_panel

if TYPE_CHECKING:
    from console.caller import Band
    from console.screens.main import MainScreen
    from console.session import Session
    from console.sound.protocol import Kind
    from console.view import View

Work = Callable[[Coroutine[Any, Any, None], str], None]
_SPEAK_HINT = (("Enter", "whisper it"), ("Tab", "speak it"), ("Esc", "leave"))
_SAY_HINT = (("Enter", "say it to the caller"), ("Esc", "leave"))


class Desk:
    """The selected call is meant, but by handing back: that is the call whose caller hears the microphone."""

    def __init__(self, screen: MainScreen, session: Session, view: View, work: Work) -> None:
        self._screen, self._session, self._view, self._work = screen, session, view, work

    @property
    def _sound(self) -> SoundDesk:
        return self._session.sound

    def listen(self) -> None:
        call, sound = self._view.selected, self._view.store.sound
        if sound.listens_to(call):
            if sound.held == call:
                self._tell("you are on the line: o hands back first.")
            else:
                self._sound.unlisten()
        elif sound.held:
            self._tell("you are on the line of another call: o hands back first.")
        else:
            self._try(self._listen(call), "listen")

    def change_ears(self, text: str) -> None:
        ears = self._view.store.sound.ears
        if ears is None or text not in ("", "mix", "split"):
            self._tell("ears are split or mix.")
            return
        mode: Literal["mix", "split"] = "split" if (text or ears.mode) == ("split" if text else "mix") else "mix"
        self._try(self._sound.listen(ears.call, mode), "listen")
        self._tell("the caller is left, the agent right" if mode == "split" else "both voices are in both ears")

    def whisper(self, text: str) -> None:
        call, sound = self._view.selected, self._view.store.sound
        if text:
            self._step_in(call, "whisper", text, "whispered to the agent")
        elif sound.whispered:
            self._try(self._sound.speak(sound.whispered, "nobody"), "whisper")
        elif sound.held:
            self._screen.open_prompt("whisper ", _SAY_HINT)
        else:
            self._screen.open_prompt("whisper ", _SPEAK_HINT, tab=lambda: self._whisper_aloud(call))

    def say(self, text: str) -> None:
        if text:
            self._step_in(self._view.selected, "say", text, "the agent says it")
        else:
            self._screen.open_prompt("say ", _SAY_HINT)

    def mute(self) -> None:
        call = self._view.call
        if call is not None:
            muted = bool(call.state.desk.muted_by)
            done = "the agent speaks again" if muted else "the agent is muted"
            self._step_in(call.state.id, "unmute" if muted else "mute", "", done)

    def take_over(self) -> None:
        store, call = self._view.store, self._view.call
        if store.sound.held:
            held = store.sound.held
            self._work(self._hand_back(held), "hand back")
        elif call is not None and call.state.desk.held_by:
            who = (
                "another console of yours"
                if call.state.desk.held_by == store.operator
                else call.state.desk.held_by
            )
            question = f"{who} holds this call: give it back to the agent? y/n"
            self._screen.ask(question, y=lambda: self._work(self._hand_back(call.state.id), "hand back"))
        elif call is not None:
            self._work(self._take(call.state.id), "take over")

    async def hand_back(self, call: str) -> bool:
        """Give ``call`` back to the agent; whether it was taken."""
        try:
            await self._session.step_in(call, "hand_back")
        except AgentError as error:
            self._view.store.tell("error", str(error))
            return False
        if self._view.store.sound.held == call:
            await self._sound.speak(call, "nobody")
        self._tell("the agent has the call again")
        return True

    def record(self) -> None:
        call = self._view.call
        if call is None:
            return
        action: api.RecordingAction = "start"
        if call.state.desk.recording.running:
            action = "pause"
        elif call.state.desk.recording.state == "paused":
            action = "resume"
        self._try(self._session.recording(call.state.id, action), "record")

    def play(self) -> None:
        screen, store = self._screen, self._view.store
        if store.sound.held:
            self._tell("you are on the line: o hands back first.")
            return
        call = self._view.selected

        async def play() -> None:
            # Two calls in one pair of ears are none.
            self._sound.unlisten()
            await self._sound.play(call)
            panel = player_panel.PlayerPanel(self._view, self._player())
            screen.open_panel(panel, panel.keys)

        self._try(play(), "play")

    def accept(self) -> None:
        self._order(protocol.Accept())
        self._show_phone()

    def decline(self) -> None:
        self._order(protocol.Decline())

    def open_phone(self) -> None:
        self._show_phone()
        self._try(self._sound.open_phone(), "softphone")

    def open_sound(self) -> None:
        sound = self._sound

        def change(**changes: Any) -> None:
            self._guard(lambda: sound.change(**changes))

        def use(kind: Kind, name: str) -> None:
            self._session.preferences.choose_device(kind, name)
            change(**{kind: name})

        def look() -> None:
            self._try(sound.devices(), "sound")

        def leave() -> None:
            self._order(protocol.Meter(on=False))
            self._screen.close_panel()

        deeds = sound_panel.Deeds(
            use=use,
            echo=lambda echo: change(echo=echo),
            headset=lambda headset: change(headset=headset),
            look=look,
            leave=leave,
        )
        try:
            panel = sound_panel.SoundPanel(self._view, deeds, lambda: sound.configure)
            sound.send(protocol.Meter(on=True))
        except NoSound as error:
            self._view.store.tell("error", str(error))
            return
        self._screen.open_panel(panel, panel.keys)
        look()

    def _show_phone(self) -> None:
        if isinstance(self._screen.panel, phone_panel.PhonePanel):
            return
        deeds = phone_panel.Deeds(
            call=lambda band: self._try(self._sound.dial(band), "softphone"),
            be_called=lambda band: self._try(self._be_called(band), "softphone"),
            accept=lambda: self._order(protocol.Accept()),
            decline=lambda: self._order(protocol.Decline()),
            hang_up=lambda: self._order(protocol.HangUp()),
            mute=self._hold,
            press=self._press,
            sound=self.open_sound,
            leave=self._screen.close_panel,
            say=self._tell,
        )
        panel = phone_panel.PhonePanel(self._view, deeds, self._heard, self._sound.softphone.number)
        self._screen.open_panel(panel, panel.keys)

    def _heard(self) -> str:
        """What the recogniser makes of the person at the softphone."""
        call = self._view.phone_call()
        if call is None:
            return ""
        line = next((line for line in reversed(call.state.lines) if line.who == "caller"), None)
        if line is None:
            return ""
        return line.text + ("" if line.final else self._view.symbols.cursor)

    async def _listen(self, call: str) -> None:
        await self._sound.need_speaker()
        await self._sound.listen(call)

    async def _be_called(self, band: Band) -> None:
        await self._sound.open_phone()
        number = self._sound.softphone.number
        self._tell(f"the agent calls {words.number(number)}")
        self._screen.expected = await self._session.dial(number, band)

    def _hold(self, on: bool) -> None:
        self._guard(lambda: self._sound.hold(on))

    def _press(self, digit: str) -> None:
        self._guard(lambda: self._sound.press(digit))

    def _order(self, order: protocol.Order) -> None:
        self._guard(lambda: self._sound.send(order))

    def _whisper_aloud(self, call: str) -> None:
        async def whisper() -> None:
            await self._sound.speak(call, "agent")
            self._tell("speak: what the agent is told appears in the transcript; w ends it")

        self._try(whisper(), "whisper")

    async def _take(self, call: str) -> None:
        self._tell("taking over…")
        try:
            await self._sound.need_microphone()
            await self._session.step_in(call, "take_over")
            await self._sound.speak(call, "caller")
            self._tell("you have the call; o hands back")
        except (AgentError, NoSound) as error:
            self._view.store.tell("error", str(error))

    async def _hand_back(self, call: str) -> None:
        await self.hand_back(call)

    def _player(self) -> player_panel.Deeds:
        def seek(at_ms: int) -> None:
            self._order(protocol.Player(at_ms=at_ms))

        def turn(step: int) -> None:
            call, played = self._view.played_call(), self._view.store.sound.played
            if call is not None and played is not None:
                seek(playback.turn_from(call.state, played.at_ms, step))

        def leave() -> None:
            self._guard(self._sound.stop_playing)
            self._screen.close_panel()
            self._screen.transcript.follow()

        return player_panel.Deeds(
            pause=lambda paused: self._order(protocol.Player(paused=paused)),
            seek=seek,
            turn=turn,
            speed=lambda speed: self._order(protocol.Player(speed=speed)),
            leave=leave,
        )

    def _step_in(self, call: str, action: api.StepIn, text: str, done: str) -> None:
        async def step_in() -> None:
            await self._session.step_in(call, action, text)
            self._tell(done)

        self._try(step_in(), action)

    def _try(self, asked: Awaitable[object], name: str) -> None:
        async def ask() -> None:
            try:
                await asked
            except (AgentError, NoSound) as error:
                self._view.store.tell("error", str(error))

        self._work(ask(), name)

    def _guard(self, order: Callable[[], object]) -> None:
        try:
            order()
        except NoSound as error:
            self._view.store.tell("error", str(error))

    def _tell(self, text: str) -> None:
        self._view.store.tell("info", text)
