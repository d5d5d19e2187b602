"""Which model suits which memory."""

from __future__ import annotations

import pytest

from galosh import catalogue
from galosh.base.paths import Paths
from galosh.catalogue import Entry
from galosh.setup.recommended import recommend

GIB = 1 << 30


@pytest.mark.parametrize(
    ("installed_gib", "available_gib", "wanted"),
    [
        (1.0, 0.7, None),
        (2.0, 1.3, "qwen3.5-0.8b"),
        (3.7, 2.2, "qwen3.5-2b"),
        (7.6, 5.0, "qwen3.5-4b"),
        (15.5, 11.0, "qwen3.5-9b"),
        (31.0, 24.0, "qwen3.5-9b"),
        (15.5, 4.0, "qwen3.5-4b"),  # a browser holds the rest
        (15.5, 0.5, None),
    ],
)
def test_the_table(
    paths: Paths, installed_gib: float, available_gib: float, wanted: str | None
) -> None:
    entries = catalogue.load(paths)
    found = recommend(entries, int(installed_gib * GIB), int(available_gib * GIB), "ru")
    assert (found.id if found else None) == wanted


def test_unknown_memory_means_the_smallest(paths: Paths) -> None:
    found = recommend(catalogue.load(paths), None, None, "en")
    assert found is not None
    assert found.id == "qwen3.5-0.8b"


def test_a_model_that_speaks_the_language_goes_first() -> None:
    small = Entry("s", "S", "s.gguf", (), size_bytes=100, languages=("ru",))
    large = Entry("l", "L", "l.gguf", (), size_bytes=200, languages=("en",))
    assert recommend([small, large], 32 * GIB, 30 * GIB, "ru") == small
    assert recommend([small, large], 32 * GIB, 30 * GIB, "de") == large
