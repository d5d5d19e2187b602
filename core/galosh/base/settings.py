"""The user's settings: one declaration, one TOML file, unknown keys and comments kept.

Rules: a missing key means the default below; a wrong value is an error that names the line,
never a silent default; writing changes only the key asked for.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from galosh.base import durable
from galosh.base.errors import GaloshError
from galosh.base.texts import in_every_language

Value: TypeAlias = bool | int | float | str | list[str]

# No `*`, no `null`, no path: an origin as a browser writes it, and nothing that could mean more.
_ORIGIN = r"[a-z][a-z0-9+.-]*://[a-z0-9._-]+(:[1-9][0-9]{0,4})?"
_TEMPLATE = r"[^=\s]+=[^=\s]+"
# As galosh.hotkey.trigger writes it.
_USUAL_KEYS = "Ctrl+Alt+Space"
_KEY = (
    "[A-Z]|[0-9]|Space|Backquote|Insert|Home|End|Left|Up|Right|Down|PageUp|PageDown"
    "|F[1-9]|F1[0-9]|F2[0-4]|Pause"
)
_TRIGGER = (
    rf"((?=.*(Ctrl|Alt|Super)\+)(Ctrl\+)?(Alt\+)?(Shift\+)?(Super\+)?({_KEY})"
    r"|(Shift\+)?(F[1-9]|F1[0-9]|F2[0-4]|Pause))?"
)
_HOST = r"[a-z0-9]([a-z0-9._-]*[a-z0-9])?"
_KINDS = {bool: "flag", int: "integer", float: "number", str: "text", list: "list"}


@dataclass(frozen=True)
class Setting:
    """One declared setting; `kind` is the Python type a value must have.

    pattern: what a text, or each text of a list, must match, whole. example: one such text.
    """

    name: str
    kind: type
    default: Value
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    pattern: str = ""
    example: str = ""

    def accepts(self, value: object) -> bool:
        """Whether `value` may stand in the file."""
        if self.kind is list:
            return isinstance(value, list) and all(
                isinstance(text, str) and re.fullmatch(self.pattern, text) for text in value
            )
        if self.kind is float and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if isinstance(value, bool) is not (self.kind is bool) or not isinstance(value, self.kind):
            return False
        if self.choices and value not in self.choices:
            return False
        if self.pattern and not re.fullmatch(self.pattern, str(value)):
            return False
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            low, high = self.minimum, self.maximum
            return (low is None or value >= low) and (high is None or value <= high)
        return True

    def to_json(self) -> dict[str, object]:
        """What a program that offers it to a person must know; `about`: its words by language."""
        return {
            "name": self.name,
            "kind": _KINDS[self.kind],
            "default": self.default,
            "minimum": self.minimum,
            "maximum": self.maximum,
            "choices": list(self.choices),
            "example": self.example,
            "about": in_every_language(f"settings.{self.name}"),
        }

    @property
    def expected(self) -> str:
        """What a value must be, for an error's sentence."""
        if self.choices:
            return " | ".join(self.choices)
        if self.kind is list:
            return f'["{self.example}", …]'
        if self.pattern:
            return f'"{self.example}"'
        words = {bool: "true | false", int: "1, 2, 3 …", float: "0.5, 1.0 …", str: '"…"'}
        text = words[self.kind]
        if self.minimum is not None or self.maximum is not None:
            text += f" ({self.minimum}…{self.maximum})"
        return text


DECLARED: dict[str, Setting] = {
    setting.name: setting
    for setting in (
        Setting("api.port", int, 11435, 0, 65535),
        Setting("api.tcp", bool, True),
        Setting("api.require_token", bool, True),
        # Web pages that may ask a model something, and names by which other machines' programs
        # (a container's host.docker.internal) reach this port. Never the management routes.
        Setting("api.allowed_origins", list, [], pattern=_ORIGIN, example="https://app.example"),
        Setting("api.allowed_hosts", list, [], pattern=_HOST, example="host.docker.internal"),
        Setting("model.default", str, ""),
        # The sampler preset of requests that name none; auto: what the model's authors advise,
        # else `balanced`.
        Setting("model.preset", str, "auto"),
        # Prompt templates the user chose for models: see `galosh models template`.
        Setting("model.templates", list, [], pattern=_TEMPLATE, example="wizardlm-7b=wizardlm"),
        Setting("model.context_tokens", int, 4096, 256, 1_048_576),
        # Idle this long, a model gives back its working memory (five times as long: its
        # weights too), and then its process; 0: never.
        Setting("model.idle_rest_seconds", float, 120.0, 0),
        Setting("model.idle_unload_seconds", float, 1800.0, 0),
        # Load a model although it does not fit into the memory that is free.
        Setting("model.memory_override", bool, False),
        # Prompts that were read are kept as token states, in memory and on disk.
        Setting("prefix.keep", bool, True),
        Setting("prefix.memory_bytes", int, 134_217_728, 0),
        Setting("prefix.disk_bytes", int, 1_073_741_824, 0),
        Setting("engine.threads", int, 0, 0, 1024),
        # Without a number of threads: half of them while the PC runs on battery, or all.
        Setting("engine.on_battery", str, "spare", choices=("spare", "full")),
        # A small model of the same vocabulary that guesses ahead: auto, off, or a model's id.
        Setting("engine.draft_model", str, "auto"),
        Setting("engine.gpu", str, "auto", choices=("auto", "off")),
        Setting("history.keep", bool, True),
        # The combination that opens the quick prompt; empty: none.
        Setting(
            "hotkey.trigger", str, "Ctrl+Alt+Space", pattern=_TRIGGER, example="Ctrl+Alt+Space"
        ),
        # The sampler preset of a quick prompt that has none of its own; "" = the model's.
        Setting("ask.preset", str, ""),
        Setting("tray.icon", str, "auto", choices=("auto", "light", "dark")),
        Setting("tray.notifications", bool, True),
        # The quick prompt: its colours; and the page in its place, which screen readers can read.
        Setting("popup.theme", str, "auto", choices=("auto", "light", "dark")),
        Setting("popup.screen_reader", bool, False),
        Setting("log.level", str, "info", choices=("debug", "info", "warning", "error")),
        Setting("download.connections", int, 4, 1, 8),
        Setting("download.max_rate_bytes", int, 0, 0),
        Setting("download.at_once", int, 1, 1, 4),
        Setting("download.on_battery", str, "run", choices=("run", "pause")),
        Setting("download.on_metered", str, "run", choices=("run", "pause")),
    )
}


def declared(name: str) -> Setting:
    """The setting of that name. Raises GaloshError `base-setting-unknown`, with the nearest."""
    setting = DECLARED.get(name)
    if setting is None:
        import difflib  # not for a daemon that never hears a wrong name

        nearest = difflib.get_close_matches(name, DECLARED, n=1, cutoff=0)
        raise GaloshError("base-setting-unknown", name=name, nearest=nearest[0])
    return setting


class Settings:
    """What the user chose, over the defaults. Immutable; `change` writes and reloads."""

    def __init__(self, path: Path, values: Mapping[str, object]) -> None:
        self._path = path
        self._values = dict(values)

    @classmethod
    def load(cls, path: Path) -> Settings:
        """Read `path` (missing file: all defaults).

        Raises GaloshError `base-settings-syntax` or `base-setting-wrong` (with the line).
        """
        try:
            text = path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return cls(path, {})
        except (OSError, UnicodeDecodeError) as error:
            raise GaloshError(
                "base-settings-syntax", path=str(path), line=1, reason=str(error)
            ) from error
        return cls(path, _checked(_parse(text, path), text, path))

    def get(self, name: str) -> Any:
        """The value of a declared setting; KeyError for a name nobody declared."""
        return self._values.get(name, DECLARED[name].default)

    def flag(self, name: str) -> bool:
        """A true/false setting."""
        return bool(self.get(name))

    def number(self, name: str) -> int:
        """A whole-number setting."""
        return int(self.get(name))

    def text(self, name: str) -> str:
        """A text setting."""
        return str(self.get(name))

    def texts(self, name: str) -> frozenset[str]:
        """A setting that is a list of texts."""
        return frozenset(map(str, self.get(name)))

    def as_json(self) -> dict[str, object]:
        """Every declared setting with its value now."""
        return {name: self.get(name) for name in DECLARED}

    def change(self, name: str, value: object) -> Settings:
        """Write one setting and return the settings as they are then.

        Raises GaloshError `base-setting-unknown`, `base-setting-wrong` or a write error.
        """
        import tomlkit

        setting = declared(name)
        if not setting.accepts(value):
            raise GaloshError(
                "base-setting-wrong",
                name=name,
                path=str(self._path),
                line="–",
                value=repr(value),
                expected=setting.expected,
            )
        text = self._path.read_text(encoding="utf-8") if self._path.exists() else ""
        document: Any = _parse(text, self._path)
        *tables, last = name.split(".")
        table = document
        for part in tables:
            table = table.setdefault(part, tomlkit.table())
        table[last] = value
        durable.write_text(self._path, tomlkit.dumps(document))
        return Settings.load(self._path)


def _parse(text: str, path: Path) -> Any:
    import tomlkit
    from tomlkit.exceptions import ParseError

    try:
        return tomlkit.parse(text)
    except ParseError as error:
        reason = str(error).split(" at line")[0]
        raise GaloshError(
            "base-settings-syntax", path=str(path), line=error.line, reason=reason
        ) from error


def _checked(document: Any, text: str, path: Path) -> dict[str, object]:
    values: dict[str, object] = {}
    plain: dict[str, Any] = document.unwrap()
    for name, setting in DECLARED.items():
        value: Any = plain
        for part in name.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        if value is None:
            continue
        if not setting.accepts(value):
            raise GaloshError(
                "base-setting-wrong",
                name=name,
                path=str(path),
                line=_line_of(name, text),
                value=repr(value),
                expected=setting.expected,
            )
        values[name] = value
    return values


def _line_of(name: str, text: str) -> int | None:
    """The line that sets `name`, as far as plain reading can tell."""
    table, _, key = name.rpartition(".")
    inside = ""
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        if stripped.startswith("["):
            inside = stripped.strip("[] ")
        left = stripped.split("=", 1)[0].strip().strip('"')
        if "=" in stripped and left in (key if inside == table else "", name):
            return number
    return None
