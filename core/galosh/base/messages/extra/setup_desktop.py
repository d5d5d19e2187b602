"""Texts of the desktop's part of setup and doctor; merged into `galosh.base.messages.setup`."""

from __future__ import annotations

from galosh.base.messages import ErrorText, Text

TEXTS: dict[str, Text] = {
    "setup.question-login": (
        "Start the icon and the hotkey at login? [y/N] ",
        "Запускать значок и горячую клавишу при входе в систему? [д/Н] ",
    ),
    "setup.tray-started": (
        "The icon is on its way; {trigger} opens the quick prompt.",
        "Значок запускается; {trigger} открывает быстрый вопрос.",
    ),
    "setup.tray-not-started": (
        "The icon was not started: {reason} Later: galosh tray",
        "Значок не запущен: {reason} Позже: galosh tray",
    ),
    "setup.check-tray": ("Icon", "Значок"),
    "setup.check-hotkey": ("Hotkey", "Горячая клавиша"),
    "setup.check-prompt": ("Quick prompt", "Быстрый вопрос"),
    "setup.check-autostart": ("Start at login", "Запуск при входе"),
    "setup.tray-by": ("shown (by {way})", "показан (через {way})"),
    "setup.autostart-on": ("on", "включён"),
    "setup.autostart-off": ("off", "выключен"),
    "setup.advice-tray-away": (
        "Start it: galosh tray",
        "Запустите: galosh tray",
    ),
    "setup.advice-tray-none": (
        "This desktop shows no icons; the hotkey and `galosh popup` work without one.",
        "Этот рабочий стол не показывает значков; клавиша и `galosh popup` работают и так.",
    ),
    "setup.advice-hotkey-none": (
        "None is wanted. To choose one: galosh hotkey set Ctrl+Alt+Space",
        "Не нужна. Чтобы выбрать: galosh hotkey set Ctrl+Alt+Space",
    ),
    "setup.advice-hotkey-no-agent": (
        "The icon listens for it, and is not running. Run: galosh tray",
        "Её слушает значок, а он не запущен. Выполните: galosh tray",
    ),
    "setup.advice-hotkey-deaf": (
        "{pressed} was granted and pressed, but not heard. Choose another: galosh hotkey set",
        "{pressed} разрешена и нажата, но не услышана. Выберите другую: galosh hotkey set",
    ),
    "setup.advice-prompt-no-tk": (
        "This Python has no Tk, so there is no window. Install it: {command}",
        "В этом Python нет Tk, поэтому нет и окна. Установите: {command}",
    ),
    "setup.advice-autostart-on": (
        "To switch it off: galosh autostart off",
        "Выключить: galosh autostart off",
    ),
    "setup.advice-autostart-off": (
        "To switch it on: galosh autostart on",
        "Включить: galosh autostart on",
    ),
    "setup.advice-autostart-by-system": (
        "It was switched off in the system's own settings ({place}).",
        "Выключен в настройках самой системы ({place}).",
    ),
}

ERRORS: dict[str, ErrorText] = {
    "setup-autostart-no-command": ErrorText(
        what=("Start at login was not switched on.", "Запуск при входе не включён."),
        why=("The command {path} is not there.", "Команды {path} нет на месте."),
        next_step=(
            "Run scripts/install.py again, then: galosh autostart on",
            "Запустите снова scripts/install.py, затем: galosh autostart on",
        ),
    ),
    "setup-autostart-foreign": ErrorText(
        what=("Start at login was not switched on.", "Запуск при входе не включён."),
        why=(
            "{path} belongs to another installation or program.",
            "{path} принадлежит другой установке или программе.",
        ),
        kept=("It was left as it is.", "Файл оставлен как есть."),
        next_step=(
            "Remove that file, then run: galosh autostart on",
            "Удалите этот файл, затем выполните: galosh autostart on",
        ),
    ),
    "setup-autostart-disabled": ErrorText(
        what=("Start at login was not switched on.", "Запуск при входе не включён."),
        why=(
            "Windows' Task Manager has galosh switched off.",
            "В Диспетчере задач Windows автозагрузка galosh отключена.",
        ),
        next_step=(
            "Enable galosh in Task Manager, Startup apps.",
            "Включите galosh в Диспетчере задач, вкладка «Автозагрузка».",
        ),
    ),
}
