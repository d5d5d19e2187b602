"""Texts of the quick prompt."""

from __future__ import annotations

from galosh.base.messages import ErrorText, Text

TEXTS: dict[str, Text] = {
    "popup.title": ("galosh: quick prompt", "galosh: быстрый вопрос"),
    "popup.ask-here": ("Ask anything", "Спросите что угодно"),
    "popup.ask-about": (
        "Ask about the text, or choose what to do with it",
        "Спросите о тексте или выберите, что с ним сделать",
    ),
    "popup.ask-on": ("Ask on", "Спросите ещё"),
    "popup.cut": (
        "only the beginning: the text is longer than 64 KB",
        "только начало: текст длиннее 64 КБ",
    ),
    "popup.insert": ("Insert", "Вставить"),
    "popup.copy": ("Copy", "Копировать"),
    "popup.notebook": ("Continue in notebook", "Продолжить в блокноте"),
    "popup.new": ("New", "Новый"),
    "popup.stop": ("Stop", "Стоп"),
    "popup.show-changes": ("Show changes", "Показать правки"),
    "popup.show-plain": ("Hide changes", "Скрыть правки"),
    "popup.no-changes": ("Nothing had to be changed.", "Менять ничего не пришлось."),
    "popup.copied": ("Copied.", "Скопировано."),
    "popup.copied-paste": (
        "Copied. Press Ctrl+V where you want it.",
        "Скопировано. Нажмите Ctrl+V там, куда вставить.",
    ),
    "popup.refused": (
        "Not inserted: what is in the clipboard could not have been given back.",
        "Не вставлено: содержимое буфера обмена не удалось бы вернуть.",
    ),
    "popup.starting": ("Starting galosh", "galosh запускается"),
    "popup.ready": ("{model}", "{model}"),
    "popup.ready-hotkey": (
        "{model} · {hotkey} shows and hides",
        "{model} · {hotkey} вызывает и прячет",
    ),
    "popup.asleep": (
        "{model} · asleep, loading takes about {load_seconds}",
        "{model} · спит, загрузка займёт около {load_seconds}",
    ),
    "popup.asleep-unknown": ("{model} · asleep", "{model} · спит"),
    "popup.paused": (
        "Paused: no memory is held. To go on, run: galosh resume",
        "Пауза: память отдана. Чтобы продолжить, выполните: galosh resume",
    ),
    "popup.waiting": ("{model} · {waited_seconds}", "{model} · {waited_seconds}"),
    "popup.waiting-forecast": (
        "{model} · first word in about {left_seconds}",
        "{model} · первое слово примерно через {left_seconds}",
    ),
    "popup.waiting-longer": (
        "{model} · {waited_seconds}, longer than forecast",
        "{model} · {waited_seconds}, дольше прогноза",
    ),
    "popup.thinking": (
        "{model} · thinking aloud for {waited_seconds} ({words} words)",
        "{model} · размышляет {waited_seconds} (слов: {words})",
    ),
    "popup.answering": ("{model} · Esc stops", "{model} · Esc останавливает"),
    "popup.done": (
        "{model} · {speed} tokens/s · first word after {first_seconds}",
        "{model} · {speed} токенов/с · первое слово через {first_seconds}",
    ),
    "popup.stopped": ("{model} · stopped", "{model} · остановлено"),
    "popup.cut-short": (
        "{model} · the answer was cut: no more fits",
        "{model} · ответ обрезан: больше не помещается",
    ),
    "popup.some-model": ("The model", "Модель"),
}

ERRORS: dict[str, ErrorText] = {
    "popup-no-tk": ErrorText(
        what=("The quick prompt cannot be shown.", "Окно быстрого вопроса показать нельзя."),
        why=(
            "This Python has no Tk, which draws the window: {reason}.",
            "В этом Python нет Tk, который рисует окно: {reason}.",
        ),
        kept=(
            "Everything else works; `galosh notebook` opens the page instead.",
            "Всё остальное работает; страницу открывает `galosh notebook`.",
        ),
        next_step=(
            "Install it and start galosh again: {command}",
            "Установите его и запустите galosh снова: {command}",
        ),
    ),
    "popup-no-screen": ErrorText(
        what=("The quick prompt cannot be shown.", "Окно быстрого вопроса показать нельзя."),
        why=("There is no screen to draw on: {reason}.", "Рисовать не на чем: {reason}."),
        kept=("Everything else works.", "Всё остальное работает."),
        next_step=(
            "Start it in a desktop session, or use `galosh ask` in the terminal.",
            "Запустите его в графическом сеансе или спрашивайте в терминале: `galosh ask`.",
        ),
    ),
}
