"""`galosh models …`: what the daemon's store holds; `recommend`, `refresh` and `scan` need none."""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Callable, Mapping
from pathlib import Path

from galosh.api import Client
from galosh.base.errors import GaloshError
from galosh.base.texts import format_bytes, say
from galosh.cli.ask import ready_client
from galosh.cli.output import Output, table
from galosh.cli.template import choose, in_words

# Actions with a module of their own.
_APART = ("recommend", "refresh", "scan", "verify")


def run(arguments: argparse.Namespace, output: Output) -> int:
    """Run one action; raises the daemon's own errors (store-…, gguf-…)."""
    if arguments.action in _APART:
        module = importlib.import_module(f"galosh.cli.{arguments.action}")
        return int(module.run(arguments, output))
    _ACTIONS[arguments.action](arguments, ready_client(output), output)
    return 0


def _list(_arguments: argparse.Namespace, client: Client, output: Output) -> None:
    models = client.models()
    text = table([_row(model) for model in models]) if models else say("cli.models-none")
    output.result({"models": [dict(model) for model in models]}, text)


def _row(model: Mapping[str, object]) -> list[str]:
    size = model.get("size_bytes")
    problem = model.get("problem")
    template = in_words(model.get("template"))
    about = str(problem or model.get("title") or "")
    return [
        str(model.get("id", "?")),
        format_bytes(size) if isinstance(size, (int, float)) else "?",
        about if template is None else f"{about}  [{template}]",
    ]


def _use(arguments: argparse.Namespace, client: Client, output: Output) -> None:
    model = client.use_model(arguments.model)
    output.result(dict(model), say("cli.models-used", model=arguments.model))


def _add(arguments: argparse.Namespace, client: Client, output: Output) -> None:
    model = client.add_model(Path(arguments.file).expanduser())
    output.result(dict(model), say("cli.models-added", model=model.get("id")))


def _remove(arguments: argparse.Namespace, client: Client, output: Output) -> None:
    client.remove_model(arguments.model)
    output.result({"removed": arguments.model}, say("cli.models-removed", model=arguments.model))


def _template(arguments: argparse.Namespace, client: Client, output: Output) -> None:
    model = next((one for one in client.models() if one.get("id") == arguments.model), None)
    if model is None:
        known = ", ".join(str(one.get("id")) for one in client.models()) or "–"
        raise GaloshError("store-model-unknown", model_id=arguments.model, known=known)
    if arguments.name is not None:
        choose(client, arguments.model, arguments.name)
        model = next(one for one in client.models() if one.get("id") == arguments.model)
    told = in_words(model.get("template")) or say("cli.template-model")
    output.result({"model": arguments.model, "template": model.get("template")}, told)


_ACTIONS: dict[str, Callable[[argparse.Namespace, Client, Output], None]] = {
    "list": _list,
    "use": _use,
    "add": _add,
    "remove": _remove,
    "template": _template,
}
