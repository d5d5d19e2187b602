"""One catalogue entry, made from a parsed TOML table. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from galosh.base.errors import GaloshError


@dataclass(frozen=True)
class Entry:
    """A model one can fetch. Sizes in bytes; unknown facts are None.

    size_about_bytes: a rounded figure, for forecasts where no exact size is stated.
    memory_class_gib: the PC it is meant for; default: the first choice there. sampler: its
    authors' settings. system: the system message it is best given where the asker gives
    none; None leaves that to the model's own template. dated: when the entry was written.
    checked: when `galosh models refresh` last read it at its source; gone: what that source
    said when the file was not there any more.
    """

    id: str
    title: str
    file_name: str
    sources: tuple[str, ...]
    size_bytes: int | None = None
    size_about_bytes: int | None = None
    sha256: str | None = None
    context_tokens: int | None = None
    parameters_total: int | None = None
    parameters_active: int | None = None
    memory_class_gib: int | None = None
    languages: tuple[str, ...] = ()
    licence: str = ""
    good_at: str = ""
    good_at_ru: str = ""
    sampler: Mapping[str, float] = field(default_factory=dict)
    system: str | None = None
    dated: str = ""
    checked: str = ""
    gone: str = ""
    starter: bool = False
    default: bool = False
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def weight_bytes(self) -> int | None:
        """The file's size, exact or about."""
        return self.size_bytes or self.size_about_bytes

    def strengths(self, tongue: str) -> str:
        """What it is good at, in `ru` or English, whichever there is."""
        texts = (self.good_at_ru, self.good_at) if tongue == "ru" else (self.good_at,)
        return next((text for text in texts if text), "")


# What only a refresh may set is no field of a file.
_KNOWN = set(Entry.__dataclass_fields__) - {"extra", "file_name", "checked", "gone"}


def parse_entry(table: Mapping[str, Any], origin: str) -> Entry:
    """The entry in one `[[model]]` table; unknown fields survive in `extra`.

    Raises GaloshError `catalogue-entry-wrong` naming the entry and the field.
    """
    name = str(table.get("id", "?"))

    def take(key: str, kind: type, *, required: bool = False) -> Any:
        value = table.get(key)
        right = value is None if not required else False
        if right or (isinstance(value, kind) and not (kind is int and isinstance(value, bool))):
            return value
        raise GaloshError(
            "catalogue-entry-wrong", id=name, field=key, expected=kind.__name__, origin=origin
        )

    return Entry(
        id=take("id", str, required=True),
        title=take("title", str) or name,
        file_name=take("file", str, required=True),
        sources=tuple(str(source) for source in take("sources", list, required=True)),
        size_bytes=take("size_bytes", int),
        size_about_bytes=take("size_about_bytes", int),
        sha256=take("sha256", str),
        context_tokens=take("context_tokens", int),
        parameters_total=take("parameters_total", int),
        parameters_active=take("parameters_active", int),
        memory_class_gib=take("memory_class_gib", int),
        languages=tuple(str(tag) for tag in take("languages", list) or ()),
        licence=take("licence", str) or "",
        good_at=take("good_at", str) or "",
        good_at_ru=take("good_at_ru", str) or "",
        sampler=dict(take("sampler", dict) or {}),
        system=take("system", str),
        dated=str(table.get("dated", "")),
        starter=bool(take("starter", bool)),
        default=bool(take("default", bool)),
        extra={key: value for key, value in table.items() if key not in _KNOWN | {"file"}},
    )
