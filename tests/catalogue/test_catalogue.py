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
        assert entry.strengths("ru") != entry.strengths("en") != "", entry.id


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
