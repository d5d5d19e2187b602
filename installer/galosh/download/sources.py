"""From the text of a SOURCE to what must be fetched: the one way in.

Owns the order in which a name is looked up (an existing file, then the catalogue) and the
choice between the sources of a catalogue entry. Never fetches a model's bytes.

- A catalogue entry's hash pins every source; a source that says otherwise is refused.
- Sources of an entry that can deliver the same bytes become one plan with several byte
  sources; one that cannot be reached now does not stop the others.
"""

from __future__ import annotations

import dataclasses
import difflib
import os
from collections.abc import Mapping
from pathlib import Path

from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.catalogue import Entry, find, load
from galosh.download.ask import Asker
from galosh.download.read_pip_config import read_pip_config
from galosh.download.resolve_hub import find_hub, resolve_hub
from galosh.download.resolve_link import resolve_link
from galosh.download.resolve_pypi import resolve_pypi
from galosh.download.resolved import Pin, Resolved
from galosh.download.source_text import (
    HubText,
    LinkText,
    NameText,
    PackageText,
    SourceText,
    check_sha256,
    parse_source,
)


def resolve(
    source: str,
    paths: Paths,
    *,
    sha256: str | None = None,
    asker: Asker | None = None,
    environ: Mapping[str, str] | None = None,
) -> Resolved:
    """What `source` is and how to get it.

    sha256: the digest the user gives for the file. environ: where `HF_*` and `PIP_*` come from.
    Raises GaloshError, each naming what was found instead: `download-source-unclear`,
    `download-source-unknown`, `download-sha256-unclear`, and those of the resolvers.
    """
    given = check_sha256(sha256)
    pin = Pin(sha256=given, authority="user") if given else None
    text = parse_source(source)
    environ = os.environ if environ is None else environ
    if isinstance(text, NameText):
        path = Path(text.name).expanduser()
        if path.is_file():
            return _local(source, path, given)
        entry = find(paths, text.name)
        if entry is None:
            raise _unknown(paths, text.name)
    if asker is not None:
        return _remote(text, source, paths, pin, asker, environ)
    with Asker() as own:
        return _remote(text, source, paths, pin, own, environ)


def _remote(
    text: SourceText,
    source: str,
    paths: Paths,
    pin: Pin | None,
    asker: Asker,
    environ: Mapping[str, str],
) -> Resolved:
    if isinstance(text, NameText):
        entry = find(paths, text.name)
        assert entry is not None, "looked up before any question"
        return _catalogued(entry, pin, asker, environ)
    if isinstance(text, HubText):
        return resolve_hub(text, source, asker, find_hub(environ), pin)
    if isinstance(text, PackageText):
        return resolve_pypi(text, source, asker, read_pip_config(environ), pin)
    assert isinstance(text, LinkText)
    return resolve_link(text.url, asker, pin)


def _catalogued(
    entry: Entry, pin: Pin | None, asker: Asker, environ: Mapping[str, str]
) -> Resolved:
    """The first source of the entry that answers, with the others beside it where they fit."""
    known = pin or Pin(entry.size_bytes if entry.sha256 else None, entry.sha256)
    found: list[Resolved] = []
    failure: GaloshError | None = None
    for source in entry.sources:
        wanted = known if known.sha256 or not found else _like(known, found[0])
        try:
            text = parse_source(source)
            found.append(_ask(text, source, dataclasses.replace(wanted, file_name=None), asker,
                              environ))  # fmt: skip
        except GaloshError as error:
            # What cannot be reached is passed over; what contradicts the pin is not.
            if error.code == "download-sources-disagree":
                raise
            failure = failure or error
    if not found:
        assert failure is not None, f"the entry {entry.id} lists no source"
        raise failure
    return _named(_joined(found), entry)


def _ask(
    text: SourceText, source: str, pin: Pin, asker: Asker, environ: Mapping[str, str]
) -> Resolved:
    if isinstance(text, HubText):
        return resolve_hub(text, source, asker, find_hub(environ), pin)
    if isinstance(text, PackageText):
        return resolve_pypi(text, source, asker, read_pip_config(environ), pin)
    if isinstance(text, LinkText):
        return resolve_link(text.url, asker, pin)
    raise GaloshError("download-source-unclear", source=source)


def _like(pin: Pin, first: Resolved) -> Pin:
    """What the first source said, as the pin for the next ones of an unpinned entry."""
    return dataclasses.replace(pin, size_bytes=first.size_bytes, sha256=first.sha256)


def _joined(found: list[Resolved]) -> Resolved:
    """The first source with the byte sources of those that carry the same single file."""
    first = found[0]
    if first.members or len(first.plans) != 1:
        return first
    plan = first.plans[0]
    for other in found[1:]:
        fits = not other.members and len(other.plans) == 1
        if fits and plan.sha256 is not None and other.plans[0].sha256 == plan.sha256:
            sources = (*plan.sources, *other.plans[0].sources)
            plan = dataclasses.replace(plan, sources=sources)
    return dataclasses.replace(first, plans=(plan,))


def _named(resolved: Resolved, entry: Entry) -> Resolved:
    """Under the entry's own id and, for a single file, its own file name."""
    named = dataclasses.replace(resolved, source=entry.id, model_id=entry.id)
    # From the plan's origin a later run finds the entry again, whatever it fetches of it.
    plans = tuple(dataclasses.replace(plan, origin=entry.id) for plan in named.plans)
    if len(plans) > 1 and not named.members:
        return dataclasses.replace(named, plans=plans)
    if not named.members:
        plans = (dataclasses.replace(plans[0], file_name=entry.file_name),)
    return dataclasses.replace(named, plans=plans, file_name=entry.file_name)


def _local(source: str, path: Path, sha256: str | None) -> Resolved:
    whole = path.resolve()
    return Resolved(
        source,
        whole.name,
        size_bytes=whole.stat().st_size,
        sha256=sha256,
        local=whole,
    )


def _unknown(paths: Paths, name: str) -> GaloshError:
    ids = [entry.id for entry in load(paths)]
    near = difflib.get_close_matches(name, ids, n=3, cutoff=0.4) or ids[:5]
    return GaloshError("download-source-unknown", source=name[:200], nearest=", ".join(near) or "-")
