"""Texts of the doctor; merged into `galosh.base.messages.setup`."""

from __future__ import annotations

from galosh.base.messages import Text

TEXTS: dict[str, Text] = {
    "setup.check-folders": ("Folders", "Папки"),
    "setup.check-settings": ("Settings", "Настройки"),
    "setup.check-engine": ("Engine", "Движок"),
    "setup.check-engine-use": ("Engine uses", "Движок использует"),
    "setup.check-model": ("Starter model", "Начальная модель"),
    "setup.check-daemon": ("Daemon", "Демон"),
    "setup.check-doors": ("Access", "Доступ"),
    "setup.check-command": ("Command", "Команда"),
    "setup.engine": (
        "{name} ({compiler}); {speed} tokens/s in its trial",
        "{name} ({compiler}); {speed} токенов/с на испытании",
    ),
    "setup.running": ("running, process {pid}", "работает, процесс {pid}"),
    "setup.not-running": ("not running", "не запущен"),
    "setup.advice-nothing": ("Fine.", "В порядке."),
    "setup.advice-folder-closed": (
        "{folder} cannot be written. Make it writable for you.",
        "В {folder} нельзя писать. Откройте себе запись в эту папку.",
    ),
    "setup.advice-folders-full": (
        "Only {free_bytes} free. Free some space on that disk.",
        "Свободно только {free_bytes}. Освободите место на этом диске.",
    ),
    "setup.advice-engine-none": (
        "There is no engine yet. Run: galosh setup",
        "Движка ещё нет. Выполните: galosh setup",
    ),
    "setup.advice-engine-unproven": (
        "It has not passed its trial ({cause}). Run: galosh engine build",
        "Он не прошёл испытание ({cause}). Выполните: galosh engine build",
    ),
    "setup.engine-cpu-only": ("CPU only: {names}", "только процессор: {names}"),
    "setup.engine-gpu": (
        "{layers} of {most} layers on {card}; CPU: {names}",
        "{layers} из {most} слоёв на {card}; процессор: {names}",
    ),
    "setup.advice-engine-use-unknown": (
        "The engine has not said yet what it uses. Run: galosh engine try",
        "Движок ещё не сообщил, что использует. Выполните: galosh engine try",
    ),
    "setup.advice-engine-use-cpu": (
        "In the engine's own words; it computes on the processor.",
        "По словам самого движка; считает он на процессоре.",
    ),
    "setup.advice-engine-use-untried": (
        "It could use a graphics card; no model was tried on one yet. Run: galosh engine gpu",
        "Он умеет считать на видеокарте, но ни одну модель на ней ещё не пробовали. "
        "Выполните: galosh engine gpu",
    ),
    "setup.advice-engine-use-plain": (
        "No special instructions: works on any processor, slowly.",
        "Без особых команд: работает на любом процессоре, медленно.",
    ),
    "setup.advice-model-none": (
        "It is not on disk. Run: galosh setup",
        "Её нет на диске. Выполните: galosh setup",
    ),
    "setup.advice-model-damaged": (
        "Its bytes are not the pinned ones. Run: galosh setup (it is fetched again).",
        "Её содержимое не совпадает с эталоном. Выполните: galosh setup (скачается заново).",
    ),
    "setup.advice-model-receipt": (
        "Whole, but its receipt is missing; the next galosh setup writes it.",
        "Цела, но нет отметки о проверке; её запишет следующий galosh setup.",
    ),
    "setup.advice-daemon-away": (
        "It starts by itself with the first question, or with: galosh start",
        "Он запустится сам при первом вопросе или командой: galosh start",
    ),
    "setup.advice-doors-open": (
        "Other users can read {path}. Run: galosh restart (it closes it).",
        "Другие пользователи могут читать {path}. Выполните: galosh restart (он закроет доступ).",
    ),
    "setup.advice-doors-none": (
        "The daemon makes its token at the first start.",
        "Ключ создаётся при первом запуске демона.",
    ),
    "setup.advice-command-none": (
        "The command is written by scripts/install.py. Run it again.",
        "Команду создаёт scripts/install.py. Запустите его снова.",
    ),
    "setup.advice-command-off-path": (
        "The shell does not find it by name. Run once: {line}",
        "Оболочка не находит её по имени. Выполните один раз: {line}",
    ),
    "setup.advice-desktop-none": (
        "No display, so none is needed.",
        "Экрана нет, поэтому и не требуется.",
    ),
    "setup.advice-check-broke": (
        "The check itself failed. Run: galosh doctor --debug",
        "Сбой самой проверки. Выполните: galosh doctor --debug",
    ),
}
