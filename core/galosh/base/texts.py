"""Finds a text of the catalogue in the user's language and fills in the facts.

Owns the choice of language (`GALOSH_LANG`, then the locale) and the way sizes and times
are written. Never invents a text: an unknown key is a programming error (KeyError).
"""

from __future__ import annotations

import importlib
import locale
import os
import string
import sys
from collections.abc import Mapping, Sequence
from typing import Any, cast

from galosh.base.messages import ErrorText, Text

LANGUAGES = ("en", "ru")
_LANGUAGE_VARIABLES = ("GALOSH_LANG", "LC_ALL", "LC_MESSAGES", "LANG")

_UNITS = {
    "en": ("bytes", "KB", "MB", "GB", "TB"),
    "ru": ("байт", "КБ", "МБ", "ГБ", "ТБ"),
}


def language(environ: Mapping[str, str] | None = None) -> str:
    """`en` or `ru`: from `GALOSH_LANG`, else the locale variables, else the system."""
    environ = os.environ if environ is None else environ
    for name in _LANGUAGE_VARIABLES:
        value = environ.get(name, "")
        if value:
            return "ru" if value.lower().startswith("ru") else "en"
    if sys.platform == "win32" or sys.platform == "darwin":
        tag = (locale.getlocale()[0] or "").lower()
        return "ru" if tag.startswith(("ru", "russian")) else "en"
    return "en"


def spoken_language(environ: Mapping[str, str] | None = None) -> str:
    """The two letters of the user's own language, in which there may be no texts."""
    environ = os.environ if environ is None else environ
    values = [environ.get(name, "") for name in _LANGUAGE_VARIABLES]
    if sys.platform == "win32" or sys.platform == "darwin":
        values.append(locale.getlocale()[0] or "")
    tag = next((value for value in values if value), "").lower()
    letters = tag.replace("-", "_").split(".")[0].split("_")[0]
    # Windows writes the name out: Russian_Russia.
    return letters if len(letters) == 2 and letters.isalpha() else language(environ)


def say(key: str, /, **facts: object) -> str:
    """The text `key` with its facts filled in, in the user's language."""
    part = key.split(".", 1)[0]
    text = cast("Mapping[str, Text]", _table(part, "TEXTS"))[key]
    return fill(text, facts)


def in_every_language(key: str) -> dict[str, str]:
    """The text `key`, as it stands, by language: for a reader whose language is not ours."""
    part = key.split(".", 1)[0]
    text = cast("Mapping[str, Text]", _table(part, "TEXTS"))[key]
    return dict(zip(LANGUAGES, text, strict=True))


def error_text(code: str) -> ErrorText:
    """The sentences of an error code; KeyError for a code the catalogue does not hold."""
    part = code.split("-", 1)[0]
    return cast("Mapping[str, ErrorText]", _table(part, "ERRORS"))[code]


def fill(text: Text, facts: Mapping[str, object]) -> str:
    """One text in the user's language with `facts` in place; a fact not given shows as `?`."""
    tongue = language()
    return _Facts(tongue).vformat(text[LANGUAGES.index(tongue)], (), dict(facts))


def format_bytes(size_bytes: float, tongue: str | None = None) -> str:
    """A size in the decimal units that disks and downloads use: `93.8 MB`."""
    units = _UNITS[tongue or language()]
    value = float(size_bytes)
    step = 0
    while abs(value) >= 999.5 and step < len(units) - 1:
        value /= 1000
        step += 1
    if step == 0 or abs(value) >= 99.95:
        return f"{value:.0f} {units[step]}"
    return f"{value:.1f} {units[step]}"


def format_seconds(seconds: float, tongue: str | None = None) -> str:
    """A duration: `0.4 s`, `12 s`, `6 min 30 s`, `1 h 5 min`."""
    russian = (tongue or language()) == "ru"
    hour, minute, second = ("ч", "мин", "с") if russian else ("h", "min", "s")
    if seconds < 9.95:
        return f"{seconds:.1f} {second}"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} {second}"
    if whole < 3600:
        rest = f" {whole % 60} {second}" if whole % 60 else ""
        return f"{whole // 60} {minute}{rest}"
    rest = f" {whole % 3600 // 60} {minute}" if whole % 3600 // 60 else ""
    return f"{whole // 3600} {hour}{rest}"


def _table(part: str, name: str) -> object:
    try:
        module = importlib.import_module(f"galosh.base.messages.{part}")
    except ModuleNotFoundError as error:
        raise KeyError(part) from error
    return getattr(module, name)


class _Facts(string.Formatter):
    """Formats facts by the ending of their name; a missing fact never hides the sentence."""

    def __init__(self, tongue: str) -> None:
        self._tongue = tongue

    def get_value(
        self,
        key: int | str,
        args: Sequence[Any],  # noqa: ARG002 - the base class names it
        kwargs: Mapping[str, Any],
    ) -> object:
        value = kwargs.get(str(key))
        if value is None:
            return "?"
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if number and str(key).endswith("_bytes"):
            return format_bytes(value, self._tongue)
        if number and str(key).endswith("_seconds"):
            return format_seconds(value, self._tongue)
        return value

    def get_field(
        self, field_name: str, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> tuple[object, str]:
        # Names are plain: no attribute or item access from a template.
        return self.get_value(field_name, args, kwargs), field_name

    def format_field(self, value: Any, format_spec: str) -> str:
        if isinstance(value, str):
            return value
        return str(super().format_field(value, format_spec))
