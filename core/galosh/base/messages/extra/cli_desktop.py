"""Texts of `galosh hotkey` and `galosh autostart`; merged into `galosh.base.messages.cli`."""

from __future__ import annotations

from galosh.base.messages import Text

TEXTS: dict[str, Text] = {
    "cli.verb-hotkey": (
        "show, set, test the key that opens the quick prompt",
        "клавиша быстрого вопроса: показать, задать, проверить",
    ),
    "cli.hotkey-show": ("what the desktop granted", "что разрешил рабочий стол"),
    "cli.hotkey-set": ("choose another combination", "выбрать другое сочетание"),
    "cli.hotkey-test": ("prove that it works", "проверить, что она работает"),
    "cli.hotkey-bind": (
        "add it to the desktop's own shortcuts (GNOME on Wayland)",
        "добавить к сочетаниям рабочего стола (GNOME на Wayland)",
    ),
    "cli.hotkey-unbind": (
        "take it out of the desktop's own shortcuts",
        "убрать из сочетаний рабочего стола",
    ),
    "cli.help-trigger": (
        "like Ctrl+Alt+Space; none: no hotkey",
        "например Ctrl+Alt+Space; none: без горячей клавиши",
    ),
    "cli.verb-autostart": (
        "start the icon at login: status, on, off",
        "запуск значка при входе: состояние, включить, выключить",
    ),
    "cli.autostart-status": ("what the next login will do", "что произойдёт при входе"),
    "cli.autostart-on": ("start at login", "запускать при входе"),
    "cli.autostart-off": ("do not", "не запускать"),
    "cli.autostart-is-on": (
        "The icon starts at login ({place}).",
        "Значок запускается при входе ({place}).",
    ),
    "cli.autostart-is-off": (
        "Nothing of galosh starts at login.",
        "При входе ничего от galosh не запускается.",
    ),
    "cli.autostart-is-by-system": (
        "Start at login was switched off in the system's own settings ({place}).",
        "Запуск при входе выключен в настройках самой системы ({place}).",
    ),
    "cli.hotkey-granted": (
        "{granted} opens the quick prompt (by {way}).",
        "{granted} открывает быстрый вопрос (через {way}).",
    ),
    "cli.hotkey-none": ("No hotkey is set.", "Горячая клавиша не задана."),
    "cli.hotkey-no-agent": (
        "{trigger} is set, but nothing listens: the icon is not running. Run: galosh tray",
        "{trigger} задана, но её никто не слушает: значок не запущен. Выполните: galosh tray",
    ),
    "cli.hotkey-tested": (
        "{pressed} was pressed and heard after {milliseconds} ms.",
        "{pressed} нажата и услышана через {milliseconds} мс.",
    ),
    "cli.hotkey-deaf": (
        "{pressed} was granted and pressed, but never heard.",
        "{pressed} разрешена и нажата, но не услышана.",
    ),
    "cli.hotkey-untested": (
        "This session lets no program press keys: press {trigger} yourself.",
        "В этом сеансе программа не может нажимать клавиши: нажмите {trigger} сами.",
    ),
    "cli.hotkey-bound": (
        "The desktop's shortcuts now hold galosh; `galosh hotkey unbind` takes it out.",
        "galosh добавлен к сочетаниям рабочего стола; `galosh hotkey unbind` уберёт его.",
    ),
    "cli.hotkey-unbound": (
        "The desktop's shortcuts hold nothing of galosh's.",
        "Среди сочетаний рабочего стола galosh больше нет.",
    ),
}
