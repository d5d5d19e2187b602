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
}

ERRORS: dict[str, ErrorText] = {
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
