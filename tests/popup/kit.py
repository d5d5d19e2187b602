"""A real quick prompt on a real screen, with the tray's end of the lines in the test's hands."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil

from galosh.base.paths import Paths
from tests.desktop_kit import Desktop, end, wait_for
from tests.fakes.serving import Running, serving

Event = dict[str, Any]


class Popup:
    """The process. `events` is what it said."""

    def __init__(self, desk: Desktop) -> None:
        self.desk = desk
        self.events: list[Event] = []
        self.process = desk.python(
            "-m", "galosh.popup", stdin=subprocess.PIPE, stdout=subprocess.PIPE, log="popup.log"
        )
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        with contextlib.suppress(ValueError):  # closed by the end of the test
            for line in self.process.stdout:
                self.events.append(json.loads(line))

    def tell(self, do: str, **facts: object) -> None:
        """A line of the tray's."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"do": do, **facts}).encode() + b"\n")
        self.process.stdin.flush()

    def heard(self, event: str, times: int = 1, seconds: float = 20.0) -> Event:
        """The newest event of this name, once there are so many."""

        def look() -> list[Event]:
            found = [one for one in self.events if one["event"] == event]
            return found if len(found) >= times else []

        return wait_for(look, f"event {event} ({times})", seconds, every=0.002)[-1]

    def count(self, event: str) -> int:
        """How often it was said."""
        return sum(one["event"] == event for one in self.events)

    def show(self, selection: str | None = None, **facts: object) -> str:
        """Show it; the id of its window, which has the keyboard."""
        times = self.count("shown") + 1
        chosen = None if selection is None else {"text": selection, "cut": False,
                                                 "can_insert": True, **facts}  # fmt: skip
        self.tell("show", selection=chosen, hotkey="Ctrl+Alt+Space", screen=None)
        self.heard("shown", times)
        return self.window()

    def window(self) -> str:
        """Its window, once it has the keyboard."""
        found = self.desk.wait_window("--name", "quick prompt")

        def mine() -> bool:
            return "quick prompt" in self._try("xdotool", "getactivewindow", "getwindowname")

        wait_for(mine, "keyboard in the quick prompt")
        return found

    def memory_bytes(self) -> int:
        """Proportional memory."""
        return int(psutil.Process(self.process.pid).memory_full_info().pss)

    def cpu_seconds(self) -> float:
        """Processor time so far."""
        times = psutil.Process(self.process.pid).cpu_times()
        return float(times.user + times.system)

    def clipboard(self) -> str:
        """What a program that pastes gets, at once."""
        return self._try("xclip", "-selection", "clipboard", "-o", "-t", "UTF8_STRING")

    def _try(self, *command: str) -> str:
        """What a program says; nothing where it fails: there may be nothing yet."""
        done = subprocess.run(command, env=self.desk.environ, capture_output=True, timeout=30)
        return done.stdout.decode()

    def kill(self) -> None:
        """As a crash would."""
        end(self.process)


@contextlib.contextmanager
def server(folder: Path) -> Iterator[Running]:
    """The real server over the fake supervisor, in the home of this desktop's user, who has
    neither settings nor drafts yet."""
    for name in ("config", "state"):
        shutil.rmtree(folder / "galosh" / name, ignore_errors=True)
    with serving(Paths.under(folder / "galosh")) as running:
        yield running


def ready(desk: Desktop) -> Popup:
    """A quick prompt that is hidden and waits."""
    popup = Popup(desk)
    popup.heard("ready")
    return popup


def answered(running: Running, number: int, seconds: float = 20.0) -> None:
    """Wait until the supervisor has finished so many questions (of those with words)."""
    wait_for(lambda: len(questions(running)) >= number and not running.supervisor.running,
             f"answer {number}", seconds)  # fmt: skip
    time.sleep(0.15)  # on its way to the screen


def questions(running: Running) -> list[Any]:
    """What was asked, without what was only read ahead."""
    return [one for one in running.supervisor.requests if one.max_tokens != 0]
