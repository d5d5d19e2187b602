"""Texts of the model catalogue."""

from __future__ import annotations

from galosh.base.messages import ErrorText, Text

TEXTS: dict[str, Text] = {
    "catalogue.scan-none": (
        "No models of other programs were found.",
        "Моделей других программ не найдено.",
    ),
    "catalogue.scan-add-next": (
        "To use them where they lie: galosh models scan --add",
        "Чтобы пользоваться ими на месте: galosh models scan --add",
    ),
    "catalogue.scan-added": (
        "They are in galosh now; the files stay where they are.",
        "Теперь они в galosh; файлы остались на своих местах.",
    ),
    "catalogue.scan-broken": ("Not usable:", "Не годятся:"),
    "catalogue.scan-closed": (
        "{program}: {path} could not be read ({reason}).",
        "{program}: {path} не читается ({reason}).",
    ),
    "catalogue.refresh-looking": ("Reading {model} …", "Читаю {model} …"),
    "catalogue.refresh-new": ("now known exactly", "теперь известно точно"),
    "catalogue.refresh-changed": ("the file was replaced", "файл заменён"),
    "catalogue.refresh-gone": ("not there any more", "больше не находится"),
    "catalogue.refresh-failed": ("could not be read", "прочитать не удалось"),
    "catalogue.refresh-sum": (
        "{count} read: {same} as before, {new} now known exactly, {changed} replaced, {gone} "
        "gone, {failed} not readable.",
        "Прочитано {count}: без изменений {same}, уточнено {new}, заменено {changed}, "
        "пропало {gone}, не прочитано {failed}.",
    ),
    "catalogue.refresh-passed": (
        "Not on the hub, fixed by their hash: {models}",
        "Не на хабе, закреплены хешем: {models}",
    ),
    "catalogue.refresh-away": (
        "The rest was not read: {why} What was read is kept; run it again to go on.",
        "Остальное не прочитано: {why} Прочитанное сохранено; повторите команду позже.",
    ),
}

ERRORS: dict[str, ErrorText] = {
    "catalogue-refresh-offline": ErrorText(
        what=("The catalogue was not read anew.", "Обновить каталог не удалось."),
        why=("{reason}", "{reason}"),
        kept=(
            "It stays as it was, of {dated}; models can be fetched from it all the same.",
            "Он остался прежним, от {dated}; загружать модели по нему можно.",
        ),
        next_step=(
            "When the network is back: galosh models refresh",
            "Когда сеть появится: galosh models refresh",
        ),
    ),
    "catalogue-file-wrong": ErrorText(
        what=(
            "The model catalogue {path} could not be read.",
            "Каталог моделей {path} не читается.",
        ),
        why=("The parser says: {reason}.", "Разборщик сообщает: {reason}."),
        kept=("The file was left as it is.", "Файл оставлен как есть."),
        next_step=(
            "Correct that line, or rename the file to use the shipped catalogue alone.",
            "Исправьте эту строку или переименуйте файл, чтобы остался только встроенный каталог.",
        ),
    ),
    "catalogue-entry-wrong": ErrorText(
        what=(
            "The entry {id} in the model catalogue {origin} was not understood.",
            "Запись {id} в каталоге моделей {origin} не распознана.",
        ),
        why=("The field {field} must be: {expected}.", "Поле {field} должно быть: {expected}."),
        kept=("The file was left as it is.", "Файл оставлен как есть."),
        next_step=("Correct that field.", "Исправьте это поле."),
    ),
}
