"""Texts of `galosh tray`."""

from __future__ import annotations

from galosh.base.messages import Text

TEXTS: dict[str, Text] = {
    "cli.verb-tray": (
        "icon, hotkey and quick prompt on the desktop",
        "значок, горячая клавиша и быстрый вопрос на рабочем столе",
    ),
    "cli.help-tray-show-popup": ("show the quick prompt at once", "сразу показать быстрый вопрос"),
    "cli.help-tray-login": (
        "started at login: show the icon only",
        "запуск при входе: показать только значок",
    ),
    "cli.help-tray-no-popup": ("without the quick prompt", "без окна быстрого вопроса"),
    "cli.help-tray-no-hotkey": ("without the hotkey", "без горячей клавиши"),
    "cli.help-tray-no-daemon": (
        "do not start the daemon",
        "не запускать демон",
    ),
}
