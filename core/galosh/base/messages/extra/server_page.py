"""Texts of the notebook page's routes; merged into `galosh.base.messages.server`."""

from __future__ import annotations

from galosh.base.messages import ErrorText

ERRORS: dict[str, ErrorText] = {
    "server-link-spent": ErrorText(
        what=("The link did not open the notebook.", "Ссылка не открыла блокнот."),
        why=(
            "A link works once, within {limit_seconds} of being made.",
            "Ссылка действует один раз, в течение {limit_seconds} после создания.",
        ),
        next_step=("Run: galosh notebook", "Выполните: galosh notebook"),
        http_status=401,
    ),
    "server-no-tcp": ErrorText(
        what=("There is no address for a browser.", "Адреса для браузера нет."),
        why=(
            "The TCP door is shut by api.tcp in {settings}.",
            "Вход по TCP закрыт настройкой api.tcp в {settings}.",
        ),
        next_step=(
            "Run: galosh settings set api.tcp true, then: galosh restart",
            "Выполните: galosh settings set api.tcp true, затем: galosh restart",
        ),
        http_status=409,
    ),
    "server-no-forecast": ErrorText(
        what=("There is no forecast for this PC.", "Прогноза для этого компьютера нет."),
        why=("The forecast ended with: {reason}.", "Прогноз завершился так: {reason}."),
        next_step=("Run: galosh doctor", "Выполните: galosh doctor"),
    ),
}
