"""Texts about the models on disk."""

from __future__ import annotations

from galosh.base.messages import ErrorText, Text

TEXTS: dict[str, Text] = {}

ERRORS: dict[str, ErrorText] = {
    "store-model-unknown": ErrorText(
        what=("There is no model {model_id} on this PC.", "Модели {model_id} здесь нет."),
        why=("The models here: {known}.", "Есть такие: {known}."),
        next_step=("Run: galosh models", "Выполните: galosh models"),
        http_status=404,
    ),
    "store-model-in-use": ErrorText(
        what=("The model {model_id} was not removed.", "Модель {model_id} не удалена."),
        why=("It is loaded at this moment.", "Она сейчас загружена."),
        kept=("Its file is untouched.", "Её файл не тронут."),
        next_step=(
            "Take another model first with `galosh models use`.",
            "Сначала возьмите другую модель: `galosh models use`.",
        ),
        http_status=409,
    ),
    "store-file-missing": ErrorText(
        what=(
            "The file of the model {model_id} is away: {path}.",
            "Файла модели {model_id} нет на месте: {path}.",
        ),
        why=(
            "It was moved or deleted, its drive is not there, or an antivirus took it.",
            "Он перемещён или удалён, диск не подключён либо файл забрал антивирус.",
        ),
        next_step=(
            "Put the file back, or run: galosh models remove {model_id}",
            "Верните файл или выполните: galosh models remove {model_id}",
        ),
        http_status=409,
    ),
    "store-name-unsafe": ErrorText(
        what=("The name {name} was refused.", "Имя {name} отклонено."),
        why=(
            "A model's file name must be one plain name that every system accepts.",
            "Имя файла модели должно быть простым и годиться для любой системы.",
        ),
        next_step=(
            "Rename the file to letters, digits, dots and dashes.",
            "Переименуйте файл: буквы, цифры, точки и дефисы.",
        ),
        http_status=400,
    ),
    "store-name-taken": ErrorText(
        what=("The model was not copied.", "Модель не скопирована."),
        why=(
            "The models folder already holds a file {name}.",
            "В папке моделей уже есть файл {name}.",
        ),
        kept=("The file there is untouched.", "Этот файл не тронут."),
        next_step=(
            "Add the file without copying, or rename it first.",
            "Добавьте файл без копирования или сначала переименуйте его.",
        ),
        http_status=409,
    ),
    "store-no-room": ErrorText(
        what=("The model was not copied.", "Модель не скопирована."),
        why=(
            "It needs {needed_bytes}; the disk has {free_bytes} free.",
            "Нужно {needed_bytes}, на диске свободно {free_bytes}.",
        ),
        kept=("Nothing was changed.", "Ничего не изменено."),
        next_step=(
            "Free some space, or add the file without copying.",
            "Освободите место или добавьте файл без копирования.",
        ),
        http_status=507,
    ),
}
