"""Texts of `galosh popup`; merged into `galosh.base.messages.cli`."""

from __future__ import annotations

from galosh.base.messages import ErrorText, Text

TEXTS: dict[str, Text] = {
    "cli.verb-popup": (
        "show the quick prompt (starts the icon if need be)",
        "показать быстрый вопрос (при нужде запускает значок)",
    ),
    "cli.popup-tray-started": (
        "Started the icon; the quick prompt comes with it.",
        "Значок запущен; окно быстрого вопроса откроется с ним.",
    ),
}

ERRORS: dict[str, ErrorText] = {
    "cli-popup-unheard": ErrorText(
        what=("The quick prompt was not shown.", "Окно быстрого вопроса не открылось."),
        why=(
            "The icon runs, but has not followed the daemon for {waited_seconds}.",
            "Значок запущен, но {waited_seconds} не следит за демоном.",
        ),
        next_step=(
            "Quit galosh in the menu of its icon, then run: galosh tray",
            "Закройте galosh через меню значка, затем выполните: galosh tray",
        ),
    ),
}
