"""What the screen shows before the first call: what runs, what is simulated, and which keys matter now."""

from __future__ import annotations

from textual.strip import Strip

from agent.api import Worker
from console import room_words
from console.environment import keys
from console.process_state import ProcessState
from console.styles import BAD, DIM, GOOD, KEY, LIVE, PLAIN, STRONG, WARN
from console.text import clip, wrap
from console.widgets.lines import Lines, Row
from console.widgets.status_bar import again

_LEFT = 3
_WHAT = {
    "line": "the telephone line",
    "stt": "speech recognition",
    "llm": "the language model",
    "tts": "the voice",
}
_COSTS = {"line": "Telnyx: real telephones, costs money", "stt": "AssemblyAI", "llm": "OpenAI"}
_VOICES = {"deepgram": "Deepgram", "rime": "Rime"}
_ROOMS_COST = "LiveKit rooms: real telephones, costs money"


class Welcome(Lines):
    """Shown in the transcript's place as long as there is no call."""

    DEFAULT_CSS = "Welcome { height: 1fr; }"

    def rows(self, width: int, height: int) -> list[Strip]:
        rows = [Row(), *self._processes(width), Row()]
        rows += self._services()
        rows += [Row(), *self._keys()]
        return [row.strip(width) for row in rows]

    def _processes(self, width: int) -> list[Row]:
        store = self.view.store
        rows = self._process(store.agent, "The agent", width)
        if store.simulator.phase != "off":
            rows += self._process(store.simulator, "The simulator", width)
        if store.worker is not None and store.agent.phase == "up":
            rows += self._worker(store.worker, width)
        problems = store.problems if store.agent.phase == "up" else []
        for problem in [*problems, store.silence] if store.silence else problems:
            rows += [Row().to(_LEFT).add(part, WARN) for part in wrap(problem, width - _LEFT - 1)]
        return rows

    def _process(self, state: ProcessState, name: str, width: int) -> list[Row]:
        symbols, now = self.view.symbols, self.view.store.clock()
        row = Row().to(_LEFT)
        match state.phase:
            case "up":
                how = "was found running" if state.attached else "runs"
                where = f"process {state.pid}, port {state.port}" if state.port else ""
                return [row.add(f"{symbols.up} ", GOOD).add(f"{name} {how}").add(f"  {where}", DIM)]
            case "crashed":
                row.add(f"{symbols.bad} {name} is down{again(state, now)}: ", BAD)
                row.add(clip(state.detail, width - row.width - 1, symbols.ellipsis))
                tail = [
                    Row().to(_LEFT + 2).add(clip(line, width - _LEFT - 3, symbols.ellipsis), DIM)
                    for line in state.tail
                ]
                return [row, *tail]
            case "stopping":
                return [row.add(f"{symbols.waiting} ", WARN).add(f"{name} stops{symbols.ellipsis}")]
            case _:
                seconds = f" {now - state.since:.0f} s" if state.since else ""
                return [row.add(f"{symbols.waiting} ", WARN).add(f"{name} starts{symbols.ellipsis}{seconds}")]

    def _worker(self, worker: Worker, width: int) -> list[Row]:
        symbols = self.view.symbols
        ready = worker.state == "registered"
        mark = symbols.up if ready else symbols.bad if worker.state == "lost" else symbols.waiting
        style = GOOD if ready else BAD if worker.state == "lost" else WARN
        told = wrap(f"The worker for rooms: {room_words.worker(worker)}", width - _LEFT - 3)
        first = Row().to(_LEFT).add(f"{mark} ", style).add(told[0])
        return [first, *(Row().to(_LEFT + 2).add(part) for part in told[1:])]

    def _services(self) -> list[Row]:
        services, voice = self.view.store.services, self.view.store.voice
        needs, costs_of = keys(voice), {**_COSTS, "tts": _VOICES[voice]}
        rows: list[Row] = []
        for service, mode in services.items():
            row = Row().to(_LEFT).cell(service, 6, STRONG).cell(mode, 6, LIVE if mode == "LIVE" else GOOD)
            row.cell(_WHAT.get(service, ""), 21)
            if mode == "LIVE":
                rooms = service == "line" and self.view.store.rooms
                costs = _ROOMS_COST if rooms else costs_of.get(service, "")
                row.add(costs, WARN if service == "line" else PLAIN)
            else:
                row.add(f"live with {needs[service]}" if service in needs else "no telephone, no charge", DIM)
            rows.append(row)
        if "SIM" in services.values():
            rows.append(Row().to(_LEFT + 6).add("SIM is played by the simulator on this machine.", DIM))
        return rows

    def _keys(self) -> list[Row]:
        live = self.view.store.services.get("line") == "LIVE"
        what = "dial a real telephone (asks first)" if live else "place a call and watch it"
        rows = [Row().to(_LEFT).cell("d", 6, KEY).add(what)] if self.view.store.services else []
        if rows and not live and self.view.store.simulator.phase != "off":
            rows.append(Row().to(_LEFT).cell("m", 6, KEY).add("talk to the agent yourself, with your microphone"))
        return [*rows, Row().to(_LEFT).cell("?", 6, KEY).add("all keys")]
