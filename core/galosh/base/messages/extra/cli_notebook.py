"""Texts of `notebook`, `settings`, `uninstall`; merged into `galosh.base.messages.cli`."""

from __future__ import annotations

from galosh.base.messages import Text

TEXTS: dict[str, Text] = {
    "cli.verb-notebook": ("open the notebook page", "открыть страницу блокнота"),
    "cli.help-notebook-print": (
        "print the link, open no browser",
        "напечатать ссылку, не открывая браузер",
    ),
    "cli.help-notebook-tab": ("the tab to open it at", "на какой вкладке её открыть"),
    "cli.notebook-once": (
        "The link works once, within {expires_seconds}.",
        "Ссылка действует один раз, в течение {expires_seconds}.",
    ),
    "cli.notebook-no-browser": (
        "No browser could be opened here; open the link yourself.",
        "Открыть браузер здесь не удалось; откройте ссылку сами.",
    ),
    "cli.setting-default": ("default {value}", "по умолчанию {value}"),
    "cli.help-with-notebooks": (
        "remove your notebooks and talks too",
        "удалить и ваши листы и разговоры",
    ),
    "cli.leave-kept-work": (
        "What you wrote stays: {path} (--with-notebooks removes it too)",
        "Написанное вами останется: {path} (--with-notebooks удаляет и его)",
    ),
}
