"""Long answers in the real window: what they cost, where the view stays, what is copied."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from PIL import Image

from galosh.popup.colours import LIGHT
from tests.desktop_kit import Desktop, desktop, wait_for
from tests.fakes.serving import Running
from tests.popup.conftest import FIGURES
from tests.popup.kit import Popup, answered, ready, server

pytestmark = pytest.mark.long

SENTENCE = "Жили-были **дед** да баба, и была у них `курочка` Ряба. "


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desktop]:
    with desktop(tmp_path_factory.mktemp("desk")) as here:
        yield here


@pytest.fixture
def running(desk: Desktop) -> Iterator[Running]:
    with server(desk.folder) as one:
        yield one


@pytest.fixture
def popup(desk: Desktop, running: Running) -> Iterator[Popup]:
    one = ready(desk)
    yield one
    one.kill()


def ask_about(popup: Popup, running: Running, text: str, seconds: float = 60.0) -> None:
    """The fake model says back what it is asked, the selection included."""
    popup.show(text)
    popup.desk.type("x")
    popup.desk.keys("Return")
    answered(running, 1, seconds)


def copied(popup: Popup, text: str) -> bool:
    """Whether Ctrl+C gives these words, once all of them are on the screen."""

    def look() -> bool:
        popup.desk.keys("ctrl+c")
        return popup.clipboard().split() == text.split()

    return wait_for(look, "the exact answer", every=0.5)


def test_two_thousand_words_word_by_word(popup: Popup, running: Running) -> None:
    """One paragraph of 2,000 words, 250 a second: all else of the window's cost is in it."""
    before = popup.cpu_seconds()
    text = "slowly " + (SENTENCE * 222).strip()
    popup.show(text)
    popup.desk.type("x")
    popup.desk.keys("Return")
    began = time.monotonic()
    wait_for(lambda: running.supervisor.running == 1, "answer")
    wait_for(lambda: not running.supervisor.running, "its end", 90)
    seconds = time.monotonic() - began
    time.sleep(0.3)
    spent = popup.cpu_seconds() - before
    FIGURES.append(f"popup: 2,000 words in {seconds:.1f} s cost {spent:.2f} s of processor time")
    assert spent < 6.0
    assert copied(popup, f"x {text}")


def test_twenty_thousand_words(popup: Popup, running: Running) -> None:
    text = (SENTENCE * 2000 + "\n\n- конец\n").strip()
    began, before = time.monotonic(), popup.cpu_seconds()
    ask_about(popup, running, text)
    wait_for(lambda: popup.cpu_seconds() > before and _still(popup), "quiet", 60)
    spent = popup.cpu_seconds() - before
    seconds = time.monotonic() - began
    FIGURES.append(f"popup: 20,000 words at once: {spent:.2f} s of processor time, "
                   f"{popup.memory_bytes() / 1e6:.0f} MB")  # fmt: skip
    assert copied(popup, f"x {text}")
    began = time.monotonic()
    popup.desk.keys("Escape")
    popup.heard("hidden")
    assert time.monotonic() - began < 3
    assert seconds < 60


def test_where_the_user_scrolled_to_it_stays(popup: Popup, running: Running) -> None:
    popup.show("slowly " + "\n\n".join(f"{n} {SENTENCE}" for n in range(400)))
    popup.desk.type("x")
    popup.desk.keys("Return")
    wait_for(lambda: running.supervisor.running == 1, "answer")
    time.sleep(2)
    popup.desk.xdo("mousemove", "640", "400", "click", "--repeat", "3", "--delay", "60", "4")
    time.sleep(0.5)
    pictures = []
    for name in ("one", "two"):
        pictures.append(_text_of(popup.desk, name))
        time.sleep(1.0)
    assert running.supervisor.running == 1, "it was still being written"
    assert pictures[0] == pictures[1]
    popup.desk.xdo("mousemove", "640", "400", "click", "--repeat", "40", "--delay", "20", "5")
    time.sleep(0.3)
    first = _text_of(popup.desk, "three")
    time.sleep(1.0)
    assert running.supervisor.running == 1
    assert _text_of(popup.desk, "four") != first, "at the end it follows again"


def test_a_rewriting_is_shown_as_what_it_changed(popup: Popup, running: Running) -> None:
    """The fake says the whole prompt back, so what it adds to the selection is an addition."""
    popup.show(SENTENCE.replace("*", "").replace("`", "") * 12)
    wait_for(lambda: running.supervisor.requests, "presets")
    time.sleep(0.5)
    popup.desk.keys("alt+1")
    answered(running, 1)
    time.sleep(0.5)
    added = tuple(int(LIGHT.added[i : i + 2], 16) for i in (1, 3, 5))
    picture = Image.open(popup.desk.screenshot(popup.desk.folder / "changes.png")).convert("RGB")
    colours = picture.getcolors(1 << 24) or []
    assert sum(count for count, colour in colours if colour == added) > 200


def _still(popup: Popup) -> bool:
    before = popup.cpu_seconds()
    time.sleep(0.5)
    return popup.cpu_seconds() - before < 0.05


def _text_of(desk: Desktop, name: str) -> bytes:
    """The middle of the answer, without the scroll bar."""
    picture = Image.open(desk.screenshot(desk.folder / f"{name}.png")).convert("RGB")
    return picture.crop((300, 330, 900, 480)).tobytes()
