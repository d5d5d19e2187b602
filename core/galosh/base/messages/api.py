"""Texts of the client: reaching, starting and stopping the daemon."""

from __future__ import annotations

from galosh.base.messages import ErrorText, Text

TEXTS: dict[str, Text] = {
    "api.start.ended": (
        "it ended with status {status} before it was ready",
        "он завершился с кодом {status}, не успев запуститься",
    ),
    "api.start.slow": (
        "it was not ready after {waited_seconds}",
        "он не был готов через {waited_seconds}",
    ),
}

ERRORS: dict[str, ErrorText] = {
    "api-daemon-away": ErrorText(
        what=("galosh is not running.", "galosh не запущен."),
        why=("Nothing answers at {place}.", "По адресу {place} никто не отвечает."),
        next_step=("Run: galosh start", "Выполните: galosh start"),
        http_status=503,
    ),
    "api-daemon-start-failed": ErrorText(
        what=("The galosh daemon did not start.", "Демон galosh не запустился."),
        why=("Cause: {reason}.", "Причина: {reason}."),
        next_step=("Look at {log}.", "Загляните в {log}."),
    ),
    "api-daemon-stuck": ErrorText(
        what=("The galosh daemon did not stop.", "Демон galosh не остановился."),
        why=(
            "Process {pid} was still there after {waited_seconds}.",
            "Процесс {pid} остался и через {waited_seconds}.",
        ),
        next_step=(
            "End process {pid} with the system's own means.",
            "Завершите процесс {pid} средствами системы.",
        ),
    ),
    "api-daemon-lost": ErrorText(
        what=(
            "The connection to galosh broke before the answer was complete.",
            "Связь с galosh прервалась до конца ответа.",
        ),
        why=("The system answered: {reason}.", "Ответ системы: {reason}."),
        kept=("What had arrived until then is shown.", "Показано всё, что успело прийти."),
        next_step=("Run the same command again.", "Повторите ту же команду."),
    ),
    "api-timeout": ErrorText(
        what=("galosh did not answer in time.", "galosh не ответил вовремя."),
        why=("It was silent for {waited_seconds}.", "Он молчал {waited_seconds}."),
        next_step=("Run: galosh restart", "Выполните: galosh restart"),
        http_status=504,
    ),
    "api-unauthorized": ErrorText(
        what=("galosh refused this program.", "galosh не принял эту программу."),
        why=(
            "The token in {path} is missing or is not the daemon's.",
            "Ключ в {path} отсутствует или не подходит демону.",
        ),
        next_step=("Run: galosh restart", "Выполните: galosh restart"),
        http_status=401,
    ),
    "api-protocol": ErrorText(
        what=("The daemon's answer was not understood.", "Ответ демона не распознан."),
        why=("It began with: {reason}.", "Он начался так: {reason}."),
        next_step=("Run: galosh restart", "Выполните: galosh restart"),
    ),
}
