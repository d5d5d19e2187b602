"""Every setting says what it means, in both languages (galosh/base/messages/settings.py)."""

from __future__ import annotations

from galosh.base.settings import DECLARED
from galosh.base.texts import in_every_language


def test_every_setting_has_its_words() -> None:
    for setting in DECLARED.values():
        told = setting.to_json()
        assert told["about"] == in_every_language(f"settings.{setting.name}")
        assert set(told["about"]) == {"en", "ru"}
        assert told["kind"] in ("flag", "integer", "number", "text", "list")


def test_words_fit_on_a_line() -> None:
    for name in DECLARED:
        assert all(len(words) <= 100 for words in in_every_language(f"settings.{name}").values())
