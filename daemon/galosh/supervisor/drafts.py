"""Finds a small model on disk that can guess for a large one.

Owns the rule which may: the same vocabulary, token by token, and at most a quarter of the
size; of several the one nearest to a tenth, since a larger one guesses better and a smaller
one faster. Reads headers and vocabularies, nothing of the weights. Blocking.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass

from galosh.base.errors import GaloshError
from galosh.gguf import Header, check_file, open_file
from galosh.gguf.header import ArrayRef
from galosh.gguf.source import read_fully
from galosh.store import ModelStore, StoredModel

AUTO, OFF = "auto", "off"
_MOST_SHARE = 0.25
_BEST_SHARE = 0.1


@dataclass(frozen=True)
class Draft:
    """A small model that may guess, with its header."""

    model: StoredModel
    header: Header


def find(store: ModelStore, large: StoredModel, header: Header, setting: str) -> Sequence[Draft]:
    """Those that may guess for `large`, the best first. setting: auto, off or a model's id.

    A model named by its id is taken whatever its size. Raises GaloshError
    `store-model-unknown`, `worker-draft-vocabulary` or `gguf-…` for that one.
    """
    if setting == OFF:
        return ()
    if setting != AUTO:
        small = store.get(setting)
        found = Draft(small, _header(small))
        if not same_vocabulary(large, header, small, found.header):
            raise GaloshError(
                "worker-draft-vocabulary",
                tokens=found.header.vocabulary_size,
                wanted_tokens=header.vocabulary_size,
            )
        return (found,)
    drafts = (_fitting(small, large, header) for small in _by_size(store.list(), large))
    return [draft for draft in drafts if draft is not None]


def same_vocabulary(
    one: StoredModel, one_header: Header, other: StoredModel, other_header: Header
) -> bool:
    """Whether every token of one means the same in the other."""
    if _marks(one_header) != _marks(other_header):
        return False
    return _texts_digest(one, one_header) == _texts_digest(other, other_header)


def _fitting(small: StoredModel, large: StoredModel, header: Header) -> Draft | None:
    try:
        found = Draft(small, _header(small))
        return found if same_vocabulary(large, header, small, found.header) else None
    except (GaloshError, ValueError):
        return None  # whatever is wrong with it, it is not needed


def _by_size(models: Sequence[StoredModel], large: StoredModel) -> list[StoredModel]:
    most = _MOST_SHARE * large.size_bytes
    small = [m for m in models if m.error is None and 0 < m.size_bytes <= most]

    def distance(model: StoredModel) -> tuple[float, str]:
        return abs(math.log(model.size_bytes / (_BEST_SHARE * large.size_bytes))), model.id

    return sorted((model for model in small if model.path != large.path), key=distance)


def _header(model: StoredModel) -> Header:
    # All the rules, as for every file that native code is to see.
    return check_file(model.path)


def _marks(header: Header) -> tuple[object, ...]:
    """What is cheap to compare."""
    names = ("bos_token_id", "eos_token_id", "eot_token_id")
    ids = [header.whole(f"tokenizer.ggml.{name}") for name in names]
    return header.text("tokenizer.ggml.model"), header.vocabulary_size, *ids


def _texts_digest(model: StoredModel, header: Header) -> str:
    texts = header.metadata.get("tokenizer.ggml.tokens")
    if not isinstance(texts, ArrayRef):
        raise ValueError("no vocabulary")
    with open_file(model.path) as source:
        return hashlib.sha256(read_fully(source, texts.offset, texts.size_bytes)).hexdigest()
