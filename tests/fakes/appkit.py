"""AppKit and PyObjC's helpers as far as an icon needs them: a main thread with a run loop of two
modes, and objects that note what they were told and by whom."""

from __future__ import annotations

import sys
import threading
from collections import deque
from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

Work = Callable[[], object]


class Mac:
    """See the module. faults: what AppKit would have aborted for."""

    def __init__(self, *, no_loop: bool = False) -> None:
        self.no_loop = no_loop
        self.faults: list[str] = []
        self.notices: list[list[str]] = []
        self.main = 0
        self.app = Thing(self, "NSApplication")
        self.item = Thing(self, "NSStatusItem")
        self.button = self.item.button()
        self._changed = threading.Condition()
        self._common: deque[tuple[Work, bool]] = deque()
        self._default: deque[Work] = deque()
        self._menu_open = self._stopped = False

    def install(self, patch: pytest.MonkeyPatch) -> None:
        """Be the modules."""
        self.app.given.update(run=self._run, stop_=self._stop, postEvent_atStart_=self._post)
        bar = Thing(self, "NSStatusBar")
        bar.given.update(statusItemWithLength_=lambda _length: self.item, thickness=lambda: 22)
        kinds: dict[str, Any] = {
            "NSApplication": SimpleNamespace(sharedApplication=lambda: self.app),
            "NSStatusBar": SimpleNamespace(systemStatusBar=lambda: bar),
            "NSPoint": lambda *place: place,
            "NSEvent": Thing(self, "NSEvent", any_thread=True),
        }
        names = ("NSMenu", "NSMenuItem", "NSImage", "NSFont", "NSFontAttributeName", "NSOnState",
                 "NSOffState", "NSVariableStatusItemLength", "NSApplicationDefined")  # fmt: skip
        for name in names:
            kinds[name] = Thing(self, name)
        self._module(patch, "AppKit", **kinds)
        things = {name: Thing(self, name) for name in ("NSAttributedString", "NSDictionary")}
        self._module(patch, "Foundation", NSObject=_Object, NSData=bytes, **things)
        self._module(patch, "objc", namedSelector=lambda _name: lambda method: method)
        signals = self._module(
            patch, "PyObjCTools.MachSignals", signal=lambda *_: None, getsignal=lambda _: None
        )
        helper = self._module(
            patch, "PyObjCTools.AppHelper", callAfter=self._call_after, callLater=self._call_later
        )
        self._module(patch, "PyObjCTools", MachSignals=signals, AppHelper=helper)

    def _module(self, patch: pytest.MonkeyPatch, name: str, **parts: object) -> ModuleType:
        made = ModuleType(name)
        vars(made).update(parts)
        patch.setitem(sys.modules, name, made)
        return made

    # -- the user

    @property
    def rows(self) -> list[str]:
        """What the menu that was set last says."""
        menu = self.item.told["setMenu_"][-1][0]
        return [] if menu is None else [row.title for (row,) in menu.told["addItem_"]]

    def open_menu(self) -> None:
        """The run loop is in its other mode from now on."""
        self._call_after(lambda: setattr(self, "_menu_open", True))

    def choose(self, number: int) -> None:
        """A row of the open menu, by its tag."""

        def chosen() -> None:
            self._menu_open = False
            delegate = self.button.told["setTarget_"][-1][0]
            delegate.activate_menu_item(SimpleNamespace(tag=lambda: number))

        self._call_after(chosen)

    # -- the run loop

    def _call_after(self, work: Callable[..., object], *arguments: object) -> None:
        """Whatever mode the loop is in."""
        self._put(lambda: work(*arguments), event=False)

    def _call_later(self, _delay: float, work: Work) -> None:
        """In the loop's default mode, of the thread that calls."""
        self.check("callLater")
        self._default.append(work)

    def _post(self, _event: object, _at_start: bool) -> None:
        self._put(lambda: None, event=True)

    def _put(self, work: Work, *, event: bool) -> None:
        with self._changed:
            self._common.append((work, event))
            self._changed.notify()

    def _stop(self, _sender: object) -> None:
        self.check("stop_")
        self._stopped = True  # seen once an event has been handled

    def _run(self) -> None:
        self.check("run")
        if self.no_loop:
            raise SystemError("no window server")
        event = False
        while not (event and self._stopped):
            work, event = self._next()
            work()

    def _next(self) -> tuple[Work, bool]:
        with self._changed:
            while not self._common:
                if self._default and not self._menu_open:
                    return self._default.popleft(), False
                assert self._changed.wait(10), "nothing ends the loop"
            return self._common.popleft()

    def check(self, what: str) -> None:
        """Only the main thread may do this."""
        if threading.get_ident() != self.main:
            self.faults.append(f"{what} in another thread than the main one")


class Thing:
    """An object of AppKit. told: what it was told, by the name of the method."""

    def __init__(self, mac: Mac, kind: str, *, any_thread: bool = False) -> None:
        self._mac, self._kind, self._any_thread = mac, kind, any_thread
        self.given: dict[str, Callable[..., object]] = {}
        self.told: dict[str, list[tuple[Any, ...]]] = {}
        self.title = ""
        self._parts: dict[str, Thing] = {}

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name in self.given:
            return self.given[name]

        def called(*arguments: Any) -> Any:
            if self._mac.main and not self._any_thread:
                self._mac.check(f"{self._kind}.{name}")
            self.told.setdefault(name, []).append(arguments)
            if name == "alloc":
                return Thing(self._mac, self._kind)
            if name.startswith("init"):
                self.title = str(arguments[0])
                return self
            return self._parts.setdefault(name, Thing(self._mac, name))

        return called


class _Object:
    """NSObject."""

    @classmethod
    def alloc(cls) -> _Object:
        return cls()

    def init(self) -> _Object:
        return self
