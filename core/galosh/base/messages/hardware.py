"""Texts of the hardware probe: why a value is unknown."""

from __future__ import annotations

from galosh.base.messages import ErrorText, Text

TEXTS: dict[str, Text] = {
    "hardware.why.missing": ("{program} is not installed", "{program} не установлена"),
    "hardware.why.slow": ("{program} did not answer within {limit_seconds}",
                          "{program}: нет ответа за {limit_seconds}"),
    "hardware.why.failed": ("{program} failed with status {status}",
                            "{program}: ошибка, код {status}"),
    "hardware.why.error": ("{program}: {reason}", "{program}: {reason}"),
    "hardware.why.rubbish": ("{program} printed something unreadable",
                             "{program}: ответ не разобрать"),
    "hardware.why.absent": ("{place} says nothing about it", "{place} об этом молчит"),
    "hardware.why.no-limit": ("no limit is set ({place})", "ограничения нет ({place})"),
    "hardware.why.virtual-disk": ("{place} is a virtual machine's disk",
                                  "{place} – диск виртуальной машины"),
    "hardware.why.no-desktop": ("no desktop answers: {place}", "рабочий стол не отвечает: {place}"),
}  # fmt: skip

ERRORS: dict[str, ErrorText] = {}
