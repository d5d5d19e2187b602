"""Which files of a hub repository are the model a user means. Pure.

Rules: files split as `-00001-of-0000N` are one choice; helper files (vision projectors,
importance matrices) are never chosen unless named; nothing is guessed between two files
that fit equally well.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from galosh.base.errors import GaloshError

# What a user gets who names none: small enough for most PCs, good enough for most uses.
USUAL_QUANTS = ("Q4_K_M", "Q4_K_S", "Q4_0", "Q5_K_M", "Q8_0")

_SPLIT = re.compile(r"(?P<stem>.+)-(?P<index>\d{5})-of-(?P<count>\d{5})\.gguf", re.IGNORECASE)
_QUANT = re.compile(
    r"(?:^|[-._/])(?P<quant>(?:UD-)?(?:I?Q\d(?:_[A-Z0-9]+)*|TQ\d_\d|MXFP4(?:_MOE)?|NVFP4"
    r"|BF16|F16|F32|FP16|FP32))(?=$|[-._/])",
    re.IGNORECASE,
)
_HELPER = re.compile(r"(^|[-._/])(mmproj|imatrix|mtp)([-._]|$)", re.IGNORECASE)
_MAX_PARTS = 1000


@dataclass(frozen=True)
class RepoFile:
    """One file of the tree. sha256 None: a file kept in git itself, too small for a model."""

    path: str
    size_bytes: int | None
    sha256: str | None


@dataclass(frozen=True)
class Choice:
    """One thing a user can mean: a file, or all parts of a split one, in order."""

    name: str
    quant: str | None
    files: tuple[RepoFile, ...]


def read_tree(entries: object) -> list[RepoFile]:
    """The files in one page of the hub's tree; entries of another form are passed over."""
    found = []
    for entry in entries if isinstance(entries, list) else []:
        if not isinstance(entry, dict) or entry.get("type") != "file":
            continue
        path, lfs = entry.get("path"), entry.get("lfs")
        facts = cast("Mapping[str, object]", lfs if isinstance(lfs, dict) else entry)
        digest = facts.get("oid") if isinstance(lfs, dict) else None
        size = facts.get("size")
        if isinstance(path, str) and ".." not in path.split("/"):
            found.append(
                RepoFile(
                    path,
                    size if isinstance(size, int) and size >= 0 else None,
                    digest if isinstance(digest, str) else None,
                )
            )
    return found


def quant_of(path: str) -> str | None:
    """The quantisation a file name states, the last one if it states several."""
    stem = re.sub(r"\.gguf$", "", path, flags=re.IGNORECASE)
    found = [match["quant"].upper() for match in _QUANT.finditer(stem)]
    return found[-1] if found else None


def choices(files: Sequence[RepoFile]) -> list[Choice]:
    """Everything in a repository that a user can mean, split files put together."""
    groups: dict[str, list[RepoFile]] = {}
    for file in sorted(files, key=lambda file: file.path):
        if file.path.lower().endswith(".gguf"):
            match = _SPLIT.fullmatch(file.path)
            name = f"{match['stem']}-of-{match['count']}" if match else file.path
            groups.setdefault(name, []).append(file)
    return [
        Choice(parts[0].path, quant_of(_whole_name(parts[0].path)), tuple(parts))
        for parts in groups.values()
    ]


def choose(repo: str, files: Sequence[RepoFile], wanted: str | None) -> Choice:
    """The choice a user means by a quantisation, a file name, or nothing.

    Raises GaloshError `download-no-gguf`, `download-file-unknown`, `download-quant-unknown`,
    `download-choice-unclear` or `download-split-incomplete`, each naming what there is.
    """
    known = choices(files)
    if not known:
        raise GaloshError("download-no-gguf", repo=repo, files=len(files))
    if wanted is not None and wanted.lower().endswith(".gguf"):
        return _complete(_by_file(repo, known, wanted))
    models = [choice for choice in known if not _HELPER.search(choice.name)] or known
    if wanted is not None:
        fitting = [choice for choice in models if choice.quant == wanted.upper()]
        if not fitting:
            quants = sorted({choice.quant or choice.name for choice in models})
            raise GaloshError(
                "download-quant-unknown", repo=repo, quant=wanted, known=", ".join(quants)
            )
        return _complete(_only(repo, fitting))
    if len(models) == 1:
        return _complete(models[0])
    for quant in USUAL_QUANTS:
        fitting = [choice for choice in models if choice.quant == quant]
        if fitting:
            return _complete(_only(repo, fitting))
    raise _unclear(repo, models)


def _by_file(repo: str, known: Sequence[Choice], wanted: str) -> Choice:
    exact = [choice for choice in known if any(file.path == wanted for file in choice.files)]
    last = [
        choice
        for choice in known
        if any(file.path.rpartition("/")[2] == wanted for file in choice.files)
    ]
    if not (exact or last):
        names = ", ".join(choice.name for choice in known)
        raise GaloshError("download-file-unknown", repo=repo, file=wanted, known=names[:2000])
    return _only(repo, exact or last)


def _only(repo: str, fitting: Sequence[Choice]) -> Choice:
    if len(fitting) > 1:
        raise _unclear(repo, fitting)
    return fitting[0]


def _unclear(repo: str, fitting: Sequence[Choice]) -> GaloshError:
    names = ", ".join(choice.name for choice in fitting)
    return GaloshError("download-choice-unclear", repo=repo, known=names[:2000])


def _complete(choice: Choice) -> Choice:
    match = _SPLIT.fullmatch(choice.name)
    if match is None:
        return choice
    count = int(match["count"])
    have = [int(part["index"]) for part in map(_split_match, choice.files) if part]
    missing = sorted(set(range(1, count + 1)) - set(have))[:1] if count <= _MAX_PARTS else [count]
    if missing or len(have) != count:
        raise GaloshError(
            "download-split-incomplete",
            file=choice.name,
            missing=missing[0] if missing else count + 1,
            count=count,
        )
    return choice


def _split_match(file: RepoFile) -> re.Match[str] | None:
    return _SPLIT.fullmatch(file.path)


def _whole_name(path: str) -> str:
    match = _SPLIT.fullmatch(path)
    return match["stem"] if match else path
