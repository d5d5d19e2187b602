"""Texts of `galosh notebook` and `galosh settings`; merged into `galosh.base.messages.cli`."""

from __future__ import annotations

from galosh.base.messages import Text

TEXTS: dict[str, Text] = {
    "cli.verb-notebook": ("open the notebook page", "открыть страницу блокнота"),
    "cli.help-notebook-print": (
        "print the link, open no browser",
        "напечатать ссылку, не открывая браузер",
    ),
    "cli.notebook-once": (
        "The link works once, within {expires_seconds}.",
        "Ссылка действует один раз, в течение {expires_seconds}.",
    ),
    "cli.notebook-no-browser": (
        "No browser could be opened here; open the link yourself.",
        "Открыть браузер здесь не удалось; откройте ссылку сами.",
    ),
    "cli.setting-default": ("default {value}", "по умолчанию {value}"),
}
