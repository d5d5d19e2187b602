"""The hotkey on a real X server: every press, every layout, another program's keys."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from galosh.hotkey import x11
from galosh.hotkey.prove import prove
from galosh.hotkey.trigger import parse
from galosh.hotkey.x11_keys import key_code, open_display, press
from tests.desktop_kit import Desktop, desktop, wait_for
from tests.hotkey.listening import Heard, listening

pytestmark = pytest.mark.long
_PRESSES = 200


@pytest.fixture(scope="module")
def screen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desktop]:
    with desktop(tmp_path_factory.mktemp("desktop"), with_bus=False) as here:
        yield here


@pytest.fixture
def here(screen: Desktop, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desktop]:
    monkeypatch.setenv("DISPLAY", screen.display)
    monkeypatch.setenv("XDG_SESSION_TYPE", "x11")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    screen.layout("us")
    yield screen
    screen.layout("us")


def ready(heard: Heard) -> Heard:
    """As soon as its keys are granted."""
    heard.state(lambda state: state.granted is not None)
    return heard


def test_two_hundred_presses(here: Desktop, capfd: pytest.CaptureFixture[str]) -> None:
    times = []
    trigger = parse("Ctrl+Alt+Space")
    with listening(str(trigger)) as heard, keyboard() as display:
        ready(heard)
        for _ in range(_PRESSES):
            heard.pressed.clear()
            began = time.perf_counter()
            press(display, trigger)
            assert heard.pressed.wait(5)
            times.append(1000 * (time.perf_counter() - began))
            time.sleep(0.004)  # a person's next press is no automatic repeat
        assert heard.presses == _PRESSES
    median = statistics.median(times)
    with capfd.disabled():
        print(f"\nhotkey: {_PRESSES} presses, median {median:.2f} ms, worst {max(times):.1f} ms")
    assert median < 50


@pytest.mark.parametrize("layouts", ["us", "us,ru", "ru,us", "ru", "fr"])
@pytest.mark.parametrize("trigger", ["Ctrl+Alt+Space", "Ctrl+Alt+K", "Super+F9"])
def test_every_layout(here: Desktop, layouts: str, trigger: str) -> None:
    here.layout(layouts)
    with listening(trigger) as heard:
        ready(heard)
        tap(trigger)
        heard.wait_presses(1)
    wait_for(lambda: is_free(trigger), "keys given back")


@contextmanager
def keyboard() -> Iterator[Any]:
    """A connection that knows the layout of this moment."""
    display = open_display()
    yield display
    display.close()


def tap(trigger: str) -> None:
    """Press it as the layout of this moment has it."""
    with keyboard() as display:
        press(display, parse(trigger))


def is_free(trigger: str) -> bool:
    """Whether nobody holds it."""
    with keyboard() as display:
        code = x11.try_grab(display, parse(trigger))
        return code is not None


@pytest.mark.parametrize("lock", ["Caps_Lock", "Num_Lock"])
def test_locks_do_not_matter(here: Desktop, lock: str) -> None:
    here.keys(lock)
    try:
        with listening("Ctrl+Alt+Space") as heard:
            ready(heard)
            here.keys("ctrl+alt+space")
            heard.wait_presses(1)
    finally:
        here.keys(lock)


def test_a_layout_that_comes_later(here: Desktop) -> None:
    """The same sign lies elsewhere afterwards, then nowhere: the place is taken then."""
    with listening("Ctrl+Alt+A") as heard:
        ready(heard)
        for count, layout in enumerate(("fr", "ru", "us"), 1):
            here.layout(layout)
            with keyboard() as display:
                code = key_code(display, parse("Ctrl+Alt+A"))
            assert code == {"fr": 24, "ru": 38, "us": 38}[layout]
            wait_for(lambda: not is_free("Ctrl+Alt+A"), "grab of theirs")
            tap("Ctrl+Alt+A")
            heard.wait_presses(count)


def test_a_held_key_fires_once(here: Desktop) -> None:
    with listening("Ctrl+Alt+Space") as heard:
        ready(heard)
        here.xdo("keydown", "ctrl", "keydown", "alt", "keydown", "space")
        time.sleep(1.2)  # the server repeats after 0.66 s
        here.xdo("keyup", "space", "keyup", "alt", "keyup", "ctrl")
        assert heard.presses == 1
        here.keys("ctrl+alt+space")
        heard.wait_presses(2)


def test_taken_keys_are_named_and_two_others_are_free(here: Desktop) -> None:
    with listening("Ctrl+Alt+Space") as first:
        ready(first)
        with listening("Ctrl+Alt+Space") as second:
            state = second.state()
            assert state.problem is not None
            assert state.problem.code == "hotkey-taken"
            assert "Ctrl+Alt+Space" in state.problem.what
            assert len(state.alternatives) == 2
            assert "Ctrl+Alt+Space" not in state.alternatives
            assert all(map(is_free, state.alternatives))
            second.hotkey.change(state.alternatives[0])
            granted = second.state(lambda state: state.granted is not None)
            assert granted.granted == state.alternatives[0]


def test_keys_are_taken_when_the_other_program_goes(
    here: Desktop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(x11, "_AGAIN_SECONDS", 0.1)
    with listening("Ctrl+Alt+Home") as first:
        ready(first)
        with listening("Ctrl+Alt+Home") as second:
            assert second.state().problem is not None
            time.sleep(0.5)
            assert len(second.states) == 1, "said once"
            first.hotkey.close()
            ready(second)
            assert second.states[-1].problem is None


def test_changing_and_none(here: Desktop) -> None:
    with listening("Ctrl+Alt+Space") as heard:
        ready(heard)
        heard.hotkey.change("Super+F9")
        heard.state(lambda state: state.granted == "Super+F9")
        here.keys("ctrl+alt+space")
        here.keys("super+F9")
        heard.wait_presses(1)
        heard.hotkey.change("nonsense")
        state = heard.state(lambda state: state.wanted == "nonsense")
        assert state.problem is not None
        assert state.way == "none"
        heard.hotkey.change("")
        heard.state(lambda state: state.wanted == "" and state.problem is None)
        here.keys("super+F9")
        assert heard.presses == 1


def test_a_callback_that_breaks_does_not_end_it(here: Desktop) -> None:
    from galosh.hotkey import listen

    presses = []

    def break_it() -> None:
        presses.append(1)
        raise ValueError("broken")

    told: list[object] = []
    hotkey = listen("Ctrl+Alt+Space", break_it, told.append)
    try:
        wait_for(lambda: told, "state")
        here.keys("ctrl+alt+space")
        here.keys("ctrl+alt+space")
        wait_for(lambda: len(presses) == 2, "second press")
    finally:
        hotkey.close()


def test_it_proves_itself(here: Desktop) -> None:
    proof = prove("Ctrl+Alt+Space")
    assert proof.fired
    assert proof.pressed == "Ctrl+Alt+Space"
    with listening("Ctrl+Alt+Space") as held:
        ready(held)
        proof = prove("Ctrl+Alt+Space")
        assert proof.fired
        assert proof.pressed != "Ctrl+Alt+Space"
        assert held.presses == 0


def test_the_server_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_SESSION_TYPE", "x11")
    with desktop(tmp_path, window_manager=False, with_bus=False) as gone:
        monkeypatch.setenv("DISPLAY", gone.display)
        heard = Heard("Ctrl+Alt+Space", None)
        ready(heard)
    state = heard.state(lambda state: state.problem is not None)
    assert state.problem is not None
    assert state.problem.code == "hotkey-broke"
    heard.hotkey.close()


def test_no_display_is_no_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    with listening("Ctrl+Alt+Space") as heard:
        state = heard.state(lambda state: state.problem is not None)
        assert (state.way, state.granted) == ("none", None)
        assert "galosh popup" in str(state.problem)
