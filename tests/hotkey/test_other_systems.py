"""Windows and macOS: the calls that are made, in their order, as recorded from their manuals.

Not verified on the systems themselves: what stands in for them here answers as documented.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable

from galosh.hotkey import macos, windows
from tests.desktop_kit import wait_for
from tests.hotkey.listening import listening

NOREPEAT = windows.MOD_NOREPEAT


class User32:
    """Answers like user32; `taken` are the virtual keys another program holds."""

    def __init__(self, taken: set[int] | None = None) -> None:
        self.taken = taken or set()
        self.calls: list[tuple[str, int, int]] = []
        self.messages: queue.Queue[int] = queue.Queue()
        self.threads: set[int] = set()

    def thread(self) -> int:
        self.threads.add(threading.get_ident())
        return 77

    def quit(self, thread: int) -> None:
        assert thread == 77
        self.messages.put(windows.WM_QUIT)

    def register(self, modifiers: int, key: int) -> int:
        self.threads.add(threading.get_ident())
        self.calls.append(("register", modifiers, key))
        return windows.TAKEN if key in self.taken else 0

    def unregister(self) -> None:
        self.threads.add(threading.get_ident())
        self.calls.append(("unregister", 0, 0))

    def remind(self, milliseconds: int) -> None:
        self.calls.append(("remind", milliseconds, 0))

    def next_message(self) -> int:
        return self.messages.get(timeout=10)

    def allow_foreground(self) -> None:
        self.calls.append(("foreground", 0, 0))


def test_windows_registers_fires_and_gives_back() -> None:
    user32 = User32()
    with listening("Ctrl+Alt+Space", [("windows", lambda job: windows.listen(job, user32))]) as h:
        assert h.state().granted == "Ctrl+Alt+Space"
        user32.messages.put(0x0100)  # some other message
        user32.messages.put(windows.WM_HOTKEY)
        h.wait_presses(1)
    assert user32.calls == [
        ("register", 0x1 | 0x2 | NOREPEAT, 0x20),
        ("remind", 0, 0),
        ("foreground", 0, 0),
        ("unregister", 0, 0),
    ]
    assert len(user32.threads) == 1, "hotkeys belong to the thread that registers them"


def test_windows_taken_keys_and_later_free() -> None:
    user32 = User32(taken={0x20})
    with listening("Ctrl+Alt+Space", [("windows", lambda job: windows.listen(job, user32))]) as h:
        state = h.state()
        assert state.problem is not None
        assert state.problem.code == "hotkey-taken"
        assert state.alternatives == ("Ctrl+Alt+F9", "Ctrl+Shift+F10")
        assert ("remind", 20_000, 0) in user32.calls
        user32.taken.clear()
        user32.messages.put(windows.WM_TIMER)
        h.state(lambda state: state.granted == "Ctrl+Alt+Space")
    assert user32.calls[-1][0] == "unregister"


class Carbon:
    """Answers like Carbon; its main thread runs what it is given."""

    def __init__(self, status: int = 0) -> None:
        self.status = status
        self.registered: tuple[int, int] | None = None
        self.pressed: Callable[[], None] = lambda: None
        self.on_main_thread = threading.local()

    def on_main(self, call: Callable[[], None]) -> None:
        def run() -> None:
            self.on_main_thread.yes = True
            call()

        threading.Thread(target=run).start()

    def register(self, modifiers: int, code: int, pressed: Callable[[], None]) -> int:
        assert self.on_main_thread.yes
        self.registered, self.pressed = (modifiers, code), pressed
        return self.status

    def unregister(self) -> None:
        assert self.on_main_thread.yes
        self.registered = None


def test_macos_registers_on_the_main_thread() -> None:
    carbon = Carbon()
    with listening("Ctrl+Alt+Space", [("macos", lambda job: macos.listen(job, carbon))]) as heard:
        assert heard.state().granted == "Ctrl+Alt+Space"
        assert carbon.registered == (0x1800, 49)
        carbon.pressed()
        heard.wait_presses(1)
    wait_for(lambda: carbon.registered is None, "keys given back")


def test_macos_says_what_it_cannot() -> None:
    with listening("Pause", [("macos", lambda job: macos.listen(job, Carbon()))]) as heard:
        problem = heard.state().problem
        assert problem is not None
        assert problem.code == "hotkey-mac-key"
    carbon = Carbon(status=-9878)
    with listening("F5", [("macos", lambda job: macos.listen(job, carbon))]) as heard:
        problem = heard.state().problem
        assert problem is not None
        assert "-9878" in problem.why
