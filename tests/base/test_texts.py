"""Texts and errors: the right language, facts in place, both ways over the wire."""

from __future__ import annotations

import pytest

from galosh.base import texts
from galosh.base.errors import GaloshError
from galosh.base.messages import ErrorText


@pytest.mark.parametrize(
    ("environ", "tongue"),
    [
        ({"GALOSH_LANG": "ru", "LANG": "en_US.UTF-8"}, "ru"),
        ({"LANG": "ru_RU.UTF-8"}, "ru"),
        ({"LC_ALL": "C", "LANG": "ru_RU.UTF-8"}, "en"),
        ({"LANG": "de_DE"}, "en"),
        ({}, "en"),
    ],
)
def test_the_language(environ: dict[str, str], tongue: str) -> None:
    assert texts.language(environ) == tongue


@pytest.mark.parametrize(
    ("size_bytes", "text"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1000, "1.0 KB"),
        (98_362_432, "98.4 MB"),
        (999_999, "1.0 MB"),
        (123_456_789, "123 MB"),
        (16e9, "16.0 GB"),
        (5e15, "5000 TB"),
    ],
)
def test_sizes(size_bytes: float, text: str) -> None:
    assert texts.format_bytes(size_bytes, "en") == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.0 с"), (9.9, "9.9 с"), (59.6, "1 мин"), (390, "6 мин 30 с"), (3900, "1 ч 5 мин")],
)
def test_times(seconds: float, text: str) -> None:
    assert texts.format_seconds(seconds, "ru") == text


def test_an_error_in_both_languages(monkeypatch: pytest.MonkeyPatch) -> None:
    error = GaloshError("base-disk-full", path="/x", free_bytes=12_000_000)
    assert "12.0 MB free" in error.why
    monkeypatch.setenv("GALOSH_LANG", "ru")
    assert "свободно 12.0 МБ" in error.why
    assert error.kept == "Прежнее содержимое не изменено."


def test_an_error_survives_the_wire() -> None:
    error = GaloshError("base-disk-full", path="/x", free_bytes=3)
    again = GaloshError.from_json(error.to_json())
    assert (again.code, again.facts, str(again)) == (error.code, error.facts, str(error))
    strange = GaloshError.from_json({"code": "future-code", "what": "Something new."})
    assert strange.code == "base-unknown"
    assert "Something new." in str(strange)


def test_a_missing_fact_never_hides_the_sentence() -> None:
    assert "? free" in GaloshError("base-disk-full", path="/x").why


def test_unknown_keys_are_programming_errors() -> None:
    with pytest.raises(KeyError):
        texts.say("nobody.knows")
    with pytest.raises(KeyError):
        texts.error_text("base-nobody")


def test_a_template_cannot_reach_into_facts() -> None:
    assert texts.fill(("{path.__class__} {path[0]}", ""), {"path": "abc"}) == "? ?"
    assert ErrorText(("a", "а"), ("b", "б"), ("c", "в")).exit_code == 1
