"""`galosh models scan [--add]`: the models of other programs, used where they lie.

Only reads: nothing of another program is ever written, moved or copied. `--add` enters what
is sound into the daemon's store.
"""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from galosh.base.errors import GaloshError
from galosh.base.texts import format_bytes, say
from galosh.catalogue.find_models import FoundModel, Unreadable, find_models
from galosh.cli.output import Output, table

if TYPE_CHECKING:
    from galosh.api import Client

# Files that belong to a model without being one; nobody wants to hear of them.
_BESIDE = frozenset({"mmproj", "adapter", "imatrix", "image"})


@dataclass(frozen=True)
class Judged:
    """A found file and what its header says. error: why it cannot be used, if so.

    is_beside: sound, but no model by itself. model_id: its id once it was added.
    """

    found: FoundModel
    size_bytes: int | None
    details: str = ""
    error: GaloshError | None = None
    is_beside: bool = False
    model_id: str | None = None

    def to_json(self) -> dict[str, object]:
        """JSON form."""
        return {
            "program": self.found.program,
            "name": self.found.name,
            "path": str(self.found.path),
            "size_bytes": self.size_bytes,
            "details": self.details,
            "id": self.model_id,
            "error": self.error.to_json() if self.error else None,
        }


def run(arguments: argparse.Namespace, output: Output) -> int:
    """Look, and with --add enter what is sound. Status 1 when the daemon refused one."""
    found, unreadable = find_models()
    judged = [judge(one) for one in found]
    models = [one for one in judged if one.error is None and not one.is_beside]
    refused: list[Judged] = []
    if arguments.add and models:
        models, refused = _add(models, output)
    broken = [one for one in judged if one.error is not None and not one.is_beside]
    document = {
        "models": [one.to_json() for one in models],
        "broken": [one.to_json() for one in broken],
        "refused": [one.to_json() for one in refused],
        "unreadable": [{**vars(one), "path": str(one.path)} for one in unreadable],
        "not_models": [str(one.found.path) for one in judged if one.is_beside],
    }
    text = "\n".join(_lines(models, [*broken, *refused], unreadable, added=arguments.add))
    output.result(document, text)
    return 1 if refused else 0


def judge(found: FoundModel) -> Judged:
    """What the file's header says; never raises."""
    from galosh import gguf

    try:
        header = gguf.check_file(found.path)
    except GaloshError as error:
        beside = error.facts.get("kind") in _BESIDE
        return Judged(found, _size(found.path), error=error, is_beside=beside)
    pieces = (header.architecture, header.file_type_name)
    details = " ".join(piece for piece in pieces if piece)
    return Judged(found, header.tensor_bytes, details)


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None


def _add(models: Sequence[Judged], output: Output) -> tuple[list[Judged], list[Judged]]:
    """(those in the store now, those it refused)."""
    from galosh.cli.ask import ready_client

    client = ready_client(output)
    entered: list[Judged] = []
    refused: list[Judged] = []
    for one in models:
        answer = _enter(client, one)
        (entered if answer.error is None else refused).append(answer)
    return entered, refused


def _enter(client: Client, one: Judged) -> Judged:
    try:
        model = client.add_model(one.found.path, name=one.found.alias)
    except GaloshError as error:
        return dataclasses.replace(one, error=error)
    return dataclasses.replace(one, model_id=str(model.get("id")))


def _lines(
    models: Sequence[Judged],
    broken: Sequence[Judged],
    unreadable: Sequence[Unreadable],
    *,
    added: bool,
) -> Iterator[str]:
    if models:
        yield table([_row(one) for one in models])
        yield say("catalogue.scan-added") if added else say("catalogue.scan-add-next")
    else:
        yield say("catalogue.scan-none")
    if broken:
        yield ""
        yield say("catalogue.scan-broken")
        for one in broken:
            why = f"{one.error.what} {one.error.why}" if one.error else ""
            yield f"  {one.found.program}, {one.found.name}: {why}"
    for folder in unreadable:
        yield say(
            "catalogue.scan-closed",
            program=folder.program,
            path=str(folder.path),
            reason=folder.reason,
        )


def _row(one: Judged) -> list[str]:
    size = "?" if one.size_bytes is None else format_bytes(one.size_bytes)
    return [one.model_id or one.found.name, one.found.program, size, one.details,
            str(one.found.path)]  # fmt: skip
