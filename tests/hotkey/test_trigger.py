"""Triggers: one way to write each, every system's words for them."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from galosh.base.errors import GaloshError
from galosh.base.settings import DECLARED
from galosh.hotkey.keys import KEYS, MODIFIERS
from galosh.hotkey.kglobalaccel import key_text
from galosh.hotkey.lines import instruction
from galosh.hotkey.trigger import DEFAULT, Trigger, others, parse


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("ctrl+alt+space", "Ctrl+Alt+Space"),
        ("Alt - Control - SPACE", "Ctrl+Alt+Space"),
        ("cmd+option+k", "Alt+Super+K"),
        ("Strg+Win+pgup", "Ctrl+Super+PageUp"),
        ("f12", "F12"),
        ("shift+F5", "Shift+F5"),
        ("Super+`", "Super+Backquote"),
    ],
)
def test_one_way_to_write_it(written: str, meant: str) -> None:
    assert str(parse(written)) == meant
    assert str(parse(meant)) == meant


@pytest.mark.parametrize(
    "written", ["", "Ctrl", "Ctrl+Alt", "Ctrl+A+B", "Ctrl+Ъ", "Ctrl+F25", "\0"]
)
def test_what_is_no_trigger_names_the_part(written: str) -> None:
    with pytest.raises(GaloshError) as caught:
        parse(written)
    assert caught.value.code == "hotkey-wrong"
    assert DEFAULT in str(caught.value)


@pytest.mark.parametrize("written", ["a", "Space", "Shift+K", "shift+1", "Home"])
def test_a_key_people_type_with_is_not_taken(written: str) -> None:
    with pytest.raises(GaloshError) as caught:
        parse(written)
    assert caught.value.code == "hotkey-typing"


TRIGGERS = st.builds(
    lambda chosen, key: Trigger(tuple(m for m in MODIFIERS if m in chosen), key),
    st.sets(st.sampled_from(MODIFIERS)).filter(lambda chosen: chosen - {"Shift"}),
    st.sampled_from(sorted(KEYS)),
)


@given(TRIGGERS)
def test_writing_and_reading_are_inverse(trigger: Trigger) -> None:
    assert parse(str(trigger)) == trigger
    assert key_text(trigger.qt) == str(trigger)
    assert DECLARED["hotkey.trigger"].accepts(str(trigger))


@given(st.text(max_size=30))
def test_any_text_is_a_trigger_or_a_stated_error(text: str) -> None:
    with contextlib.suppress(GaloshError):
        assert parse(str(parse(text))) == parse(text)


@pytest.mark.parametrize("text", ["Ctrl+Alt", "Space", "ctrl+alt+space", "Ctrl+Alt+Nonsense", "x"])
def test_the_setting_holds_only_triggers(text: str) -> None:
    assert not DECLARED["hotkey.trigger"].accepts(text)
    assert DECLARED["hotkey.trigger"].accepts("")


def test_the_words_of_every_system() -> None:
    trigger = parse(DEFAULT)
    assert trigger.portal == "CTRL+ALT+space"
    assert trigger.gtk == "<Control><Alt>space"
    assert trigger.windows == (0x1 | 0x2, 0x20)
    assert trigger.mac == (0x0800 | 0x1000, 49)
    assert trigger.qt == 0x0C000020
    assert parse("Pause").mac is None


def test_key_numbers_are_each_systems_own_once() -> None:
    for numbers in (
        [key.evdev for key in KEYS.values()],
        [key.windows for key in KEYS.values()],
        [key.qt for key in KEYS.values()],
        [key.mac for key in KEYS.values() if key.mac is not None],
    ):
        assert len(numbers) == len(set(numbers))


def test_others_never_offer_what_was_wanted() -> None:
    for text in (DEFAULT, "Ctrl+Shift+Space", "F12"):
        assert text not in map(str, others(parse(text)))
        assert len(others(parse(text))) >= 2


@pytest.mark.parametrize(
    ("desktop", "line"),
    [
        ("sway", "bindsym Ctrl+Mod1+space exec /a/galosh popup"),
        ("Hyprland", "bind = CTRL ALT, space, exec, /a/galosh popup"),
        ("niri", 'Ctrl+Alt+space { spawn "sh" "-c" "/a/galosh popup"; }'),
        ("COSMIC", '(modifiers: [Ctrl, Alt], key: "space"): Spawn("/a/galosh popup")'),
        ("X-Cinnamon", "Ctrl+Alt+Space"),
        ("", "/a/galosh popup"),
    ],
)
def test_the_line_for_each_desktop(desktop: str, line: str) -> None:
    assert line in instruction(desktop, parse(DEFAULT), "/a/galosh popup")
