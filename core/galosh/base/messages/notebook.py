"""Texts of the notebook's sheets and talks: what became of a change, and why."""

from __future__ import annotations

from galosh.base.messages import ErrorText, Text

TEXTS: dict[str, Text] = {}

ERRORS: dict[str, ErrorText] = {
    "notebook-changed": ErrorText(
        what=("The sheet was changed elsewhere.", "Лист изменили в другом месте."),
        why=(
            "The edit was made on version {base_version}; version {version} is there now.",
            "Правка сделана по версии {base_version}, а сейчас есть версия {version}.",
        ),
        kept=("Nothing was overwritten.", "Ничего не перезаписано."),
        next_step=(
            "Read the sheet again and make the edit on what is there.",
            "Прочитайте лист снова и внесите правку в него.",
        ),
        http_status=409,
    ),
    "notebook-bad-edit": ErrorText(
        what=("The edit does not fit the sheet.", "Правка не подходит к листу."),
        why=(
            "Place {at} is not between two characters of its {length} units of UTF-16.",
            "Место {at} не лежит между знаками: в листе {length} единиц UTF-16.",
        ),
        kept=("The sheet is as it was.", "Лист остался прежним."),
        next_step=("Read the sheet again.", "Прочитайте лист снова."),
        http_status=400,
    ),
    "notebook-too-long": ErrorText(
        what=("The text is too long for one sheet.", "Текст слишком длинен для одного листа."),
        why=(
            "It would be {length} units of UTF-16; a sheet holds {limit}.",
            "Вышло бы {length} единиц UTF-16; лист вмещает {limit}.",
        ),
        kept=("The sheet is as it was.", "Лист остался прежним."),
        next_step=("Put the text on two sheets.", "Разделите текст на два листа."),
        http_status=413,
    ),
    "notebook-unknown": ErrorText(
        what=("There is no such sheet.", "Такого листа нет."),
        why=(
            "It was never there, or it left the bin after thirty days.",
            "Его не было, или он покинул корзину через тридцать дней.",
        ),
        next_step=("Choose one of the list.", "Выберите лист из списка."),
        http_status=404,
    ),
    "notebook-damaged": ErrorText(
        what=("The sheet could not be read.", "Лист не удалось прочитать."),
        why=("{path}: {reason}.", "{path}: {reason}."),
        kept=("Its files were left as they are.", "Его файлы оставлены как есть."),
        next_step=(
            "Put the file back from a copy; it is plain text and can be read by hand.",
            "Верните файл из копии; это простой текст, его можно прочитать и вручную.",
        ),
    ),
    "notebook-chat-unknown": ErrorText(
        what=("There is no such talk.", "Такого разговора нет."),
        why=(
            "It was never there, was kept in memory only, or left the bin after thirty days.",
            "Его не было, он жил только в памяти или покинул корзину через тридцать дней.",
        ),
        next_step=("Choose one of the list.", "Выберите разговор из списка."),
        http_status=404,
    ),
    "notebook-chat-damaged": ErrorText(
        what=("The talk could not be read.", "Разговор не удалось прочитать."),
        why=("{path}: {reason}.", "{path}: {reason}."),
        kept=("Its files were left as they are.", "Его файлы оставлены как есть."),
        next_step=(
            "Put the file back from a copy; it is plain text and can be read by hand.",
            "Верните файл из копии; это простой текст, его можно прочитать и вручную.",
        ),
    ),
    "notebook-node-unknown": ErrorText(
        what=("There is no such message in the talk.", "Такого сообщения в разговоре нет."),
        why=("The talk has {count} messages.", "В разговоре {count} сообщений."),
        next_step=("Read the talk again.", "Прочитайте разговор снова."),
        http_status=404,
    ),
    "notebook-chat-full": ErrorText(
        what=("The talk takes no further message.", "В разговор больше нельзя добавить."),
        why=("It has {count} messages, which is the most.", "В нём {count} сообщений, это предел."),
        kept=("The talk is as it was.", "Разговор остался прежним."),
        next_step=("Begin a new talk.", "Начните новый разговор."),
        http_status=409,
    ),
}
