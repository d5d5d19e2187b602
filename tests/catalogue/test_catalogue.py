"""The shipped catalogue is sound and the user's own entries win over it."""

from __future__ import annotations

import pytest

from galosh import catalogue
from galosh.base.errors import GaloshError
from galosh.base.paths import Paths


def test_the_shipped_catalogue(paths: Paths) -> None:
    entries = catalogue.load(paths)
    assert len({entry.id for entry in entries}) == len(entries)
    assert [entry.id for entry in entries if entry.starter] == ["smollm2-135m"]
    for entry in entries:
        assert entry.sources, entry.id
        assert entry.sha256 is None or len(entry.sha256) == 64, entry.id
        assert entry.dated, entry.id
        assert not entry.extra, entry.id
        assert entry.weight_bytes, entry.id
        assert entry.languages, entry.id
        assert entry.licence, entry.id
        assert entry.parameters_total, entry.id
        assert entry.memory_class_gib in (2, 4, 8, 16, 32), entry.id
        # One screen of 80 columns has this much room for what a model is good at.
        assert max(len(entry.strengths(tongue)) for tongue in ("en", "ru")) <= 24, entry.id
        assert entry.strengths("ru") != entry.strengths("en") != "", entry.id


# The research note's list (section 7) as ids: each is there, or the file says why not.
LISTED = [
    "qwen3.5-0.8b",
    "qwen3.5-2b",
    "qwen3.5-4b",
    "qwen3.5-9b",
    "gemma4-e2b",
    "gemma4-e4b",
    "gemma4-12b",
    "gemma4-26b-a4b",
    "qwen3-4b-2507",
    "qwen3.6-35b-a3b",
    "qwen3-30b-a3b-2507",
    "gigachat3.1-10b-a1.8b",
    "t-lite-2.1",
    "ministral3-3b",
    "ministral3-8b",
    "ministral3-14b",
    "granite4.1-3b",
    "granite4.1-8b",
    "phi4-mini",
    "smollm3-3b",
    "gpt-oss-20b",
    "lfm2.5-1.2b",
    "lfm2.5-2.6b",
    "lfm2.5-8b-a1b",
    "minicpm5-1b",
]


def test_the_whole_list_and_every_class_of_pc(paths: Paths) -> None:
    entries = {entry.id: entry for entry in catalogue.load(paths)}
    assert set(LISTED) - set(entries) == set()
    for size in (2, 4, 8, 16, 32):
        fitting = [e for e in entries.values() if e.memory_class_gib == size]
        assert fitting, size
    free_russian = [
        e for e in entries.values() if "ru" in e.languages and e.licence in ("Apache-2.0", "MIT")
    ]
    assert {e.memory_class_gib for e in free_russian} == {2, 4, 8, 16, 32}


def test_a_user_entry_replaces_and_adds(paths: Paths) -> None:
    paths.presets.mkdir(parents=True)
    (paths.presets / "models.toml").write_text(
        '[[model]]\nid = "smollm2-135m"\nfile = "mine.gguf"\nsources = ["x"]\nstarter = true\n'
        '[[model]]\nid = "mine"\nfile = "b.gguf"\nsources = []\ncolour = "red"\n'
    )
    assert catalogue.starter(paths).file_name == "mine.gguf"
    mine = catalogue.find(paths, "mine")
    assert mine is not None
    assert mine.extra == {"colour": "red"}
    assert mine.strengths("ru") == ""
    assert catalogue.find(paths, "nobody") is None


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("[[model]\n", "catalogue-file-wrong"),
        ('[[model]]\nid = 3\nfile = "a"\nsources = []\n', "catalogue-entry-wrong"),
        (
            '[[model]]\nid = "a"\nfile = "a"\nsources = []\nsize_bytes = true\n',
            "catalogue-entry-wrong",
        ),
        ('[[model]]\nid = "a"\n', "catalogue-entry-wrong"),
    ],
)
def test_a_wrong_file_is_named(paths: Paths, text: str, code: str) -> None:
    paths.presets.mkdir(parents=True)
    (paths.presets / "models.toml").write_text(text)
    with pytest.raises(GaloshError) as caught:
        catalogue.load(paths)
    assert caught.value.code == code
