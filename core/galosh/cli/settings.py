"""`galosh settings list / get / set`; a running daemon is told, so that it obeys at once."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from galosh.api import Client, is_running
from galosh.base.paths import Paths
from galosh.base.settings import DECLARED, Setting, Settings, Value, declared
from galosh.base.texts import say
from galosh.cli.output import Output, table


def run(arguments: argparse.Namespace, output: Output) -> int:
    """Run one action; raises GaloshError base-setting-…."""
    _ACTIONS[arguments.action](arguments, Paths.find(), output)
    return 0


def _list(_arguments: argparse.Namespace, paths: Paths, output: Output) -> None:
    values = Settings.load(paths.settings_file).as_json()
    rows = [[name, _value(DECLARED[name], value), say(f"settings.{name}")]
            for name, value in values.items()]  # fmt: skip
    document = {
        "settings": values,
        "declared": [one.to_json() for one in DECLARED.values()],
        "file": str(paths.settings_file),
    }
    output.result(document, table(rows))


def _value(setting: Setting, value: object) -> str:
    """The value, and the default beside one that was changed."""
    shown = _show(value)
    if value == setting.default:
        return shown
    return f"{shown} ({say('cli.setting-default', value=_show(setting.default))})"


def _get(arguments: argparse.Namespace, paths: Paths, output: Output) -> None:
    setting = declared(arguments.name)
    value = Settings.load(paths.settings_file).get(setting.name)
    output.result({"name": setting.name, "value": value}, _show(value))


def _set(arguments: argparse.Namespace, paths: Paths, output: Output) -> None:
    setting = declared(arguments.name)
    value = read_value(setting, arguments.value)
    if is_running(paths) is not None:
        Client(paths).change_setting(setting.name, value)
    else:
        Settings.load(paths.settings_file).change(setting.name, value)
    text = say("cli.setting-set", name=setting.name, value=_show(value))
    output.result({"name": setting.name, "value": value}, text)


def read_value(setting: Setting, text: str) -> Value:
    """The typed value a user wrote; text that does not fit stays text and is refused later."""
    if setting.kind is bool:
        return {
            "true": True,
            "yes": True,
            "on": True,
            "false": False,
            "no": False,
            "off": False,
        }.get(text.lower(), text)
    if setting.kind in (int, float):
        try:
            return int(text) if setting.kind is int else float(text)
        except ValueError:
            return text
    if setting.kind is list:
        return text.replace(",", " ").split()
    return text


def _show(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return " ".join(value) or '""'
    return str(value) if value != "" else '""'


_ACTIONS: dict[str, Callable[[argparse.Namespace, Paths, Output], None]] = {
    "list": _list,
    "get": _get,
    "set": _set,
}
