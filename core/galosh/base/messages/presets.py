"""Texts of presets, prompts and templates."""

from __future__ import annotations

from galosh.base.messages import ErrorText, Text

TEXTS: dict[str, Text] = {}

_LEFT: Text = ("The file was left as it is.", "Файл оставлен как есть.")

ERRORS: dict[str, ErrorText] = {
    "presets-file-wrong": ErrorText(
        what=("The preset file {path} was not understood.", "Файл {path} не распознан."),
        why=("The reader says: {reason}.", "При чтении: {reason}."),
        kept=_LEFT,
        next_step=("Correct the file.", "Исправьте файл."),
        http_status=400,
    ),
    "presets-value-wrong": ErrorText(
        what=("The preset file {path} holds a wrong value.", "В файле {path} неверное значение."),
        why=(
            "{key} is {value}; it must be a number from {low} to {high}.",
            "{key} равно {value}; нужно число от {low} до {high}.",
        ),
        kept=_LEFT,
        next_step=("Correct that line.", "Исправьте эту строку."),
        http_status=400,
    ),
    "presets-unknown": ErrorText(
        what=("Nothing here is named {name}.", "Ничего с именем {name} здесь нет."),
        why=("There are: {known}.", "Есть: {known}."),
        next_step=("Choose one of these.", "Выберите один из них."),
        http_status=404,
        exit_code=1,
    ),
}
