"""Colours, the kept draft, what to install, the desktop's scheme, the inbox."""

from __future__ import annotations

import stat
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from galosh.base import durable
from galosh.popup.chips import shortened
from galosh.popup.colours import DARK, LIGHT, Colours, contrast
from galosh.popup.inbox import Inbox
from galosh.popup.keep import Keeper
from galosh.popup.missing import command_for, read_os_release
from galosh.popup.scheme_linux import _gtk as gtk_is_dark


@pytest.mark.parametrize("colours", [LIGHT, DARK])
def test_words_can_be_read(colours: Colours) -> None:
    pairs = [
        (colours.ink, colours.paper), (colours.ink, colours.field), (colours.ink, colours.chip),
        (colours.ink, colours.code), (colours.faint, colours.paper),
        (colours.faint, colours.field), (colours.accent, colours.field),
        (colours.accent_ink, colours.accent), (colours.added, colours.field),
        (colours.removed, colours.field), (colours.wrong, colours.field),
    ]  # fmt: skip
    assert [pair for pair in pairs if contrast(*pair) < 4.5] == []


def test_contrast_is_that_of_wcag() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


def test_a_draft_is_kept_for_this_user_only(tmp_path: Path) -> None:
    file = tmp_path / "state" / "quick-prompt.json"
    keeper = Keeper(file)
    keeper.save(["too early"], "")
    assert not file.exists()
    keeper.allow(True)
    for length in range(50):
        keeper.save(["вопрос 🙂"], "x" * length)
    keeper.close()
    assert Keeper(file).load() == (["вопрос 🙂"], "x" * 49)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_history_switched_off_leaves_nothing(tmp_path: Path) -> None:
    file = tmp_path / "quick-prompt.json"
    durable.write_json(file, {"questions": ["secret"], "draft": "secret"})
    keeper = Keeper(file)
    keeper.allow(False)
    keeper.save(["secret"], "secret")
    keeper.close()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["", "[]", '{"questions": 7, "draft": []}', "{"])
def test_a_damaged_file_is_an_empty_one(tmp_path: Path, text: str) -> None:
    file = tmp_path / "quick-prompt.json"
    file.write_text(text)
    assert Keeper(file).load() == ([], "")


@pytest.mark.parametrize(
    ("release", "command"),
    [
        ('ID=debian\nNAME="Debian"', "sudo apt install python3-tk"),
        ('ID=linuxmint\nID_LIKE="ubuntu debian"', "sudo apt install python3-tk"),
        ("ID=fedora", "sudo dnf install python3-tkinter"),
        ("ID=manjaro\nID_LIKE=arch", "sudo pacman -S tk"),
        ("ID='opensuse-leap'\nID_LIKE='suse opensuse'", "sudo zypper install python3-tk"),
        ("", "python3 scripts/install.py"),
    ],
)
def test_what_to_install(release: str, command: str) -> None:
    assert command_for(read_os_release(release)) == command


def test_what_gtk_was_told(tmp_path: Path) -> None:
    file = tmp_path / "settings.ini"
    assert gtk_is_dark("", [file]) is None
    assert gtk_is_dark("Adwaita:dark", [file]) is True
    file.write_text("[Settings]\ngtk-theme-name=Arc-Darker\n")
    assert gtk_is_dark("", [file]) is True
    file.write_text("[Settings]\ngtk-theme-name=Adwaita\ngtk-application-prefer-dark-theme=1\n")
    assert gtk_is_dark("", [file]) is True
    file.write_text("[Settings]\ngtk-theme-name=Adwaita\n")
    assert gtk_is_dark("", [file]) is False
    file.write_text("no file of settings")
    assert gtk_is_dark("", [file]) is None


def test_the_bell_rings_once_until_it_is_answered() -> None:
    rung, done = [], []
    inbox = Inbox(lambda: rung.append(1))

    def put(number: int) -> Callable[[], None]:
        return lambda: done.append(number)

    threads = [threading.Thread(target=inbox.put, args=(put(n),)) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert rung == [1]
    inbox.run()
    assert sorted(done) == list(range(20))
    inbox.put(put(99))
    assert rung == [1, 1]


def test_a_long_text_is_shown_by_its_beginning() -> None:
    assert shortened("a\n b\t c") == "a b c"
    assert shortened("слово " * 100).endswith("…")
    assert len(shortened("слово " * 100)) == 60
