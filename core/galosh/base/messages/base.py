"""Texts of the floor everything stands on: files, settings, folders."""

from __future__ import annotations

from galosh.base.messages import ErrorText, Text

TEXTS: dict[str, Text] = {}

ERRORS: dict[str, ErrorText] = {
    "base-unknown": ErrorText(
        what=(
            "Something failed that this version has no words for.",
            "Произошёл сбой, для которого в этой версии нет описания.",
        ),
        why=("Reported as {peer_code}: {reason}", "Сообщено как {peer_code}: {reason}"),
        next_step=("Run: galosh doctor", "Выполните: galosh doctor"),
    ),
    "base-disk-full": ErrorText(
        what=("Could not write {path}.", "Не удалось записать {path}."),
        why=("The disk is full: {free_bytes} free.", "Диск заполнен: свободно {free_bytes}."),
        kept=("The earlier contents are unchanged.", "Прежнее содержимое не изменено."),
        next_step=(
            "Free some space on that disk and run the same command again.",
            "Освободите место на этом диске и повторите команду.",
        ),
        http_status=507,
    ),
    "base-not-writable": ErrorText(
        what=("Could not write {path}.", "Не удалось записать {path}."),
        why=("The system answered: {reason}.", "Ответ системы: {reason}."),
        kept=("The earlier contents are unchanged.", "Прежнее содержимое не изменено."),
        next_step=(
            "Make {folder} writable for you, or choose another place with GALOSH_HOME.",
            "Откройте себе запись в {folder} или задайте другое место через GALOSH_HOME.",
        ),
    ),
    "base-setting-unknown": ErrorText(
        what=("There is no setting named {name}.", "Настройки {name} нет."),
        why=("The nearest name is {nearest}.", "Ближайшее имя: {nearest}."),
        next_step=(
            "Use one of the names that `galosh settings` lists.",
            "Возьмите имя из списка `galosh settings`.",
        ),
        http_status=400,
        exit_code=2,
    ),
    "base-setting-wrong": ErrorText(
        what=(
            "The setting {name} in {path}, line {line}, was not understood.",
            "Настройка {name} в {path}, строка {line}, не распознана.",
        ),
        why=("It is {value}; it must be {expected}.", "Там {value}, а должно быть {expected}."),
        kept=("The file was left as it is.", "Файл оставлен как есть."),
        next_step=(
            "Correct that line, or delete it to get the default.",
            "Исправьте эту строку или удалите её, чтобы вернуть значение по умолчанию.",
        ),
        http_status=400,
    ),
    "base-settings-syntax": ErrorText(
        what=("The settings file {path} could not be read.", "Файл настроек {path} не читается."),
        why=("Line {line}: {reason}.", "Строка {line}: {reason}."),
        kept=("The file was left as it is.", "Файл оставлен как есть."),
        next_step=(
            "Correct that line, or rename the file to start from the defaults.",
            "Исправьте эту строку или переименуйте файл, чтобы начать заново.",
        ),
    ),
}
