"""Texts of the global hotkey."""

from __future__ import annotations

from galosh.base.messages import ErrorText, Text

TEXTS: dict[str, Text] = {
    "hotkey.ask": ("Ask galosh", "Спросить galosh"),
    "hotkey.line-file": (
        "In {file}, add: {line}",
        "Добавьте в {file}: {line}",
    ),
    "hotkey.line-settings": (
        "In the keyboard settings, add a shortcut {keys} with the command: {line}",
        "В настройках клавиатуры добавьте сочетание {keys} с командой: {line}",
    ),
}

ERRORS: dict[str, ErrorText] = {
    "hotkey-wrong": ErrorText(
        what=("The key combination {trigger} was not set.", "Сочетание {trigger} не задано."),
        why=(
            "It needs exactly one key and known modifiers; “{part}” is neither.",
            "Нужна ровно одна клавиша и известные модификаторы; «{part}» — ни то, ни другое.",
        ),
        kept=("The former one is unchanged.", "Прежнее сочетание не изменено."),
        next_step=("Write it like this: {example}", "Запишите его так: {example}"),
        http_status=400,
        exit_code=2,
    ),
    "hotkey-typing": ErrorText(
        what=("The key combination {trigger} was not set.", "Сочетание {trigger} не задано."),
        why=(
            "{key} without Ctrl, Alt or Super is a key you type with.",
            "{key} без Ctrl, Alt или Super — это клавиша, которой печатают.",
        ),
        kept=("The former one is unchanged.", "Прежнее сочетание не изменено."),
        next_step=("Add a modifier, as in {example}", "Добавьте модификатор, например {example}"),
        http_status=400,
        exit_code=2,
    ),
    "hotkey-taken": ErrorText(
        what=("The hotkey {trigger} does not work.", "Клавиша {trigger} не работает."),
        why=(
            "Another program holds it. Free at this moment: {free}.",
            "Её держит другая программа. Свободны сейчас: {free}.",
        ),
        next_step=(
            "Choose another: galosh hotkey set TRIGGER",
            "Выберите другую: galosh hotkey set TRIGGER",
        ),
    ),
    "hotkey-taken-by": ErrorText(
        what=("The hotkey {trigger} does not work.", "Клавиша {trigger} не работает."),
        why=("{holder} holds it.", "Её держит {holder}."),
        next_step=(
            "Free it there, or choose another: galosh hotkey set TRIGGER",
            "Освободите её там или выберите другую: galosh hotkey set TRIGGER",
        ),
    ),
    "hotkey-refused": ErrorText(
        what=("The hotkey {trigger} is not set.", "Клавиша {trigger} не задана."),
        why=(
            "The desktop's dialog was closed without agreeing (answer {answer}).",
            "Диалог рабочего стола закрыт без согласия (ответ {answer}).",
        ),
        next_step=(
            "Ask again: galosh hotkey set {trigger}",
            "Спросить снова: galosh hotkey set {trigger}",
        ),
    ),
    "hotkey-not-granted": ErrorText(
        what=("The hotkey {trigger} is not set.", "Клавиша {trigger} не задана."),
        why=(
            "The desktop accepted the request and assigned no keys.",
            "Рабочий стол принял запрос, но не назначил клавиш.",
        ),
        next_step=(
            "Assign keys to galosh in the desktop's keyboard settings.",
            "Назначьте клавиши для galosh в настройках клавиатуры рабочего стола.",
        ),
    ),
    "hotkey-needs-binding": ErrorText(
        what=("The hotkey {trigger} is not set.", "Клавиша {trigger} не задана."),
        why=(
            "On this desktop ({desktop}) no program may take keys by itself.",
            "На этом рабочем столе ({desktop}) программа не может занять клавиши сама.",
        ),
        next_step=(
            "Agree to an entry in the desktop's own shortcuts: galosh hotkey bind",
            "Разрешите запись среди сочетаний рабочего стола: galosh hotkey bind",
        ),
    ),
    "hotkey-needs-line": ErrorText(
        what=("The hotkey {trigger} is not set.", "Клавиша {trigger} не задана."),
        why=(
            "On this desktop ({desktop}) no program may take keys by itself.",
            "На этом рабочем столе ({desktop}) программа не может занять клавиши сама.",
        ),
        next_step=("{instruction}", "{instruction}"),
    ),
    "hotkey-no-way": ErrorText(
        what=("There is no hotkey in this session.", "В этом сеансе нет горячей клавиши."),
        why=("There is no desktop to ask for one.", "Нет рабочего стола, у которого её просить."),
        next_step=(
            "Bind a key of your desktop to: galosh popup",
            "Назначьте клавишу рабочего стола на: galosh popup",
        ),
    ),
    "hotkey-mac-key": ErrorText(
        what=("The hotkey {trigger} is not set.", "Клавиша {trigger} не задана."),
        why=("A Mac's keyboard has no such key.", "На клавиатуре Mac нет такой клавиши."),
        next_step=(
            "Choose another: galosh hotkey set TRIGGER",
            "Выберите другую: galosh hotkey set TRIGGER",
        ),
    ),
    "hotkey-broke": ErrorText(
        what=("The hotkey stopped working.", "Горячая клавиша перестала работать."),
        why=("Listening by {way} ended: {reason}", "Прослушивание ({way}) прервано: {reason}"),
        next_step=("Run: galosh doctor", "Выполните: galosh doctor"),
    ),
    "hotkey-bind-failed": ErrorText(
        what=(
            "The desktop's shortcut was not added.",
            "Сочетание рабочего стола не добавлено.",
        ),
        why=("{reason}", "{reason}"),
        kept=("Nothing was changed.", "Ничего не изменено."),
        next_step=(
            "Bind a key of your desktop to: galosh popup",
            "Назначьте клавишу рабочего стола на: galosh popup",
        ),
    ),
}
