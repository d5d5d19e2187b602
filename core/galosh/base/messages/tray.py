"""Texts of the tray: menu, notifications, and what may be wrong with a desktop."""

from __future__ import annotations

from galosh.base.messages import ErrorText, Text

TEXTS: dict[str, Text] = {
    # --- the state, in one line ---
    "tray.away": ("galosh is not running", "galosh не запущен"),
    "tray.starting": ("Starting …", "Запускается…"),
    "tray.no-model": ("No model is loaded", "Модель не загружена"),
    "tray.loading": ("Loading {model} …", "Загружается {model}…"),
    "tray.loading-percent": ("Loading {model}: {percent} %", "Загружается {model}: {percent} %"),
    "tray.waits": (
        "{model} follows after this answer",
        "{model} — сразу после этого ответа",
    ),
    "tray.failed": ("{model} could not be loaded", "Не удалось загрузить {model}"),
    "tray.asleep": ("{model} sleeps until you ask", "{model} спит до первого вопроса"),
    "tray.paused": (
        "Paused: no memory is held",
        "Пауза: память не занята",
    ),
    "tray.memory": ("{memory_bytes} of memory", "{memory_bytes} памяти"),
    "tray.speed": ("{speed} tokens/s", "{speed} токенов/с"),
    "tray.answering": ("answering", "отвечает"),
    # --- rows ---
    "tray.ask": ("Ask …", "Спросить…"),
    "tray.ask-key": ("Ask …   {hotkey}", "Спросить…   {hotkey}"),
    "tray.start": ("Start", "Запустить"),
    "tray.no-models": ("No model on this PC yet", "На этом ПК ещё нет моделей"),
    "tray.models-more": ("{count} more models", "Ещё модели ({count})"),
    "tray.models-all": ("All {count} models …", "Все модели ({count})…"),
    "tray.fits": ("fits, about {speed} tokens/s", "подходит, около {speed} токенов/с"),
    "tray.fits-plain": ("fits", "подходит"),
    "tray.fits-after-closing": (
        "fits after closing programs",
        "подойдёт, если закрыть программы",
    ),
    "tray.fits-not": (
        "needs {needed_bytes}, {free_bytes} free",
        "нужно {needed_bytes}, свободно {free_bytes}",
    ),
    "tray.more": ("Download another …", "Скачать другую…"),
    "tray.download": ("↓ {name}: {percent} %", "↓ {name}: {percent} %"),
    "tray.download-eta": (
        "↓ {name}: {percent} %, {left_seconds} left",
        "↓ {name}: {percent} %, ещё {left_seconds}",
    ),
    "tray.download-waits": ("↓ {name}: waits", "↓ {name}: ждёт"),
    "tray.download-paused": ("↓ {name}: {percent} %, paused", "↓ {name}: {percent} %, пауза"),
    "tray.download-problem": ("↓ {name}: {problem}", "↓ {name}: {problem}"),
    "tray.download-pause": ("Pause", "Приостановить"),
    "tray.download-resume": ("Go on", "Продолжить"),
    "tray.download-cancel": ("Cancel", "Отменить"),
    "tray.downloads-more": ("↓ {count} more", "↓ ещё {count}"),
    "tray.presets": ("Style: {preset}", "Стиль: {preset}"),
    "tray.preset-none": ("as the model's makers say", "как советуют создатели модели"),
    "tray.notebook": ("Open notebook", "Открыть блокнот"),
    "tray.pause": ("Pause for a game", "Пауза на время игры"),
    "tray.unload": ("Unload now", "Выгрузить сейчас"),
    "tray.settings": ("Hotkey and settings …", "Клавиша и настройки…"),
    "tray.autostart": ("Start at login", "Запускать при входе"),
    "tray.copy": (
        "Copy address and key for other programs",
        "Скопировать адрес и ключ для других программ",
    ),
    "tray.doctor": ("Doctor", "Проверка"),
    "tray.quit": ("Quit", "Выход"),
    "tray.quit-tray": ("Only this icon", "Только этот значок"),
    "tray.quit-all": ("Everything, the model too", "Всё, и модель тоже"),
    # --- notifications ---
    "tray.told-ready": ("{model} is ready", "{model}: готово"),
    "tray.told-ready-body": ("It took {load_seconds}.", "Загрузка заняла {load_seconds}."),
    "tray.told-download": ("{model} is here", "{model}: скачано"),
    "tray.told-download-body": (
        "Choose it in the menu of the icon.",
        "Её можно выбрать в меню значка.",
    ),
    "tray.told-memory": ("Memory was short", "Не хватило памяти"),
    "tray.told-died": (
        "The system ended {model} for want of memory; the next question loads a smaller setting.",
        "Система завершила {model} из-за нехватки памяти; следующий вопрос загрузит её экономнее.",
    ),
    "tray.told-copied": ("Copied: address and key", "Скопировано: адрес и ключ"),
    "tray.told-copied-body": (
        "Paste them where a program asks for an OpenAI address and key.",
        "Вставьте их туда, где программа спрашивает адрес и ключ OpenAI.",
    ),
    "tray.told-address": ("Address for other programs", "Адрес для других программ"),
    "tray.told-address-body": (
        "{address} – the key is in {path}",
        "{address} – ключ лежит в {path}",
    ),
    "tray.told-healthy": ("All is well", "Всё в порядке"),
    "tray.told-healthy-body": ("{count} checks passed.", "Пройдено проверок: {count}."),
    "tray.told-unwell": (
        "{bad} of {count} checks found something",
        "Замечания: {bad} из {count} проверок",
    ),
    "tray.told-no-tray": (
        "This desktop shows no icon of galosh",
        "Этот рабочий стол не показывает значок galosh",
    ),
    "tray.told-no-tray-gnome": (
        "GNOME has no place for icons of its own. Install its extension "
        "“AppIndicator and KStatusNotifierItem Support”; the icon appears as soon as it is there. "
        "The hotkey and “galosh popup” work without it.",
        "В GNOME нет места для значков. Установите расширение "
        "«AppIndicator and KStatusNotifierItem Support»: значок появится сразу. "
        "Горячая клавиша и «galosh popup» работают и без него.",
    ),
    "tray.told-no-tray-other": (
        "Add a tray (status notifier, system tray) to the panel; the icon appears as soon as it "
        "is there. The hotkey and “galosh popup” work without it.",
        "Добавьте на панель область уведомлений: значок появится сразу. "
        "Горячая клавиша и «galosh popup» работают и без неё.",
    ),
    "tray.no-desktop": (
        "No desktop was found here: no display and no session bus. The daemon is not touched; "
        "galosh ask works in any terminal.",
        "Рабочего стола здесь нет: ни дисплея, ни сессионной шины. Демон не тронут; "
        "galosh ask работает в любом терминале.",
    ),
    "tray.runs-already": (
        "The icon is there already; its quick prompt was asked to show.",
        "Значок уже есть; открыто его окно быстрого вопроса.",
    ),
}

ERRORS: dict[str, ErrorText] = {
    "tray-command-failed": ErrorText(
        what=("“{command}” did not work.", "Команда «{command}» не удалась."),
        why=("It ended with status {status}: {reason}", "Код завершения {status}: {reason}"),
        next_step=("Run it in a terminal: {command}", "Выполните её в терминале: {command}"),
    ),
}
