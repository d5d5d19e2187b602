"""Names: ids are plain, file names stay in their folder."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from galosh.store.names import Part, is_safe, part_names, shown, slug, split_part, unique

BAD = [
    "", ".", "..", "a/b.gguf", "a\\b.gguf", "C:x.gguf", "x\0.gguf", "con.gguf", "NUL", "COM1.gguf",
    "com¹.gguf", "x.", "x ", " x", ".hidden.gguf", "a\u202egguf.exe", "a\nb", "a*b", "a?b", "<a>",
    "x" * 201, "\ud800.gguf", "aux .gguf",
]  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_unsafe_names(name: str) -> None:
    assert not is_safe(name)


@pytest.mark.parametrize("name", ["a.gguf", "Qwen3.5-4B-Q4_K_M.gguf", "модель 1.gguf", "console"])
def test_safe_names(name: str) -> None:
    assert is_safe(name)


@given(st.text(max_size=30))
def test_what_is_safe_is_one_component_everywhere(name: str) -> None:
    from pathlib import PurePosixPath, PureWindowsPath

    if is_safe(name):
        for kind in (PurePosixPath, PureWindowsPath):
            path = kind("root") / name
            assert path.parent == kind("root")
            assert path.name == name


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("SmolLM2-135M-Instruct.Q4_1.gguf", "smollm2-135m-instruct.q4-1"),
        ("Big Model-00001-of-00003.gguf", "big-model"),
        ("Модель №1.gguf", "модель-no1"),
        ("..gguf", "model"),
        ("a...b.gguf", "a.b"),
        ("../../x.gguf", "x"),
    ],
)
def test_slugs(name: str, expected: str) -> None:
    assert slug(name) == expected


@given(st.text(max_size=30))
def test_slugs_are_plain(name: str) -> None:
    made = slug(name)
    assert made
    assert all(c.isalnum() or c in "-." for c in made)
    assert ".." not in made
    assert made == slug(f"{made}.gguf") or not made.isascii()


def test_ids_are_made_unique() -> None:
    assert unique("a", ()) == "a"
    assert unique("a", ("a", "a-2")) == "a-3"


def test_parts() -> None:
    assert split_part("m-00002-of-00003.gguf") == Part("m", 2, 3)
    assert split_part("m-2-of-3.gguf") is None
    assert part_names("m-00003-of-00003.gguf")[0] == "m-00001-of-00003.gguf"
    assert part_names("m.gguf") == ("m.gguf",)
    assert part_names("m-00001-of-99999.gguf") == ("m-00001-of-99999.gguf",)


def test_shown_names_fit_a_sentence() -> None:
    assert shown("a\n\u202eb") == "a__b"
    assert len(shown("x" * 500)) == 101
