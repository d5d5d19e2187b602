"""Files are recognised by their first bytes."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path

import pytest

from galosh import catalogue
from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.gguf import FileKind, check_file, identify
from galosh.gguf.kind import read_legacy
from tests.fakes import gguf_models

HTML = b"\xef\xbb\xbf  \n<!DOCTYPE html><html><head><title>404</title>"
LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12345\n"
LLAMA_13B = (32000, 5120, 256, 40, 40, 128)


def legacy(magic: int, version: int | None, file_type: int = 2) -> bytes:
    """The start of a file of 2023 as its writers wrote it."""
    head = struct.pack("<I", magic)
    if version is not None:
        head += struct.pack("<I", version)
    return head + struct.pack("<7i", *LLAMA_13B, file_type) + bytes(100)


GGML = legacy(0x67676D6C, None)
GGMF = legacy(0x67676D66, 1)
GGJT = {version: legacy(0x67676A74, version, 1003) for version in (1, 2, 3)}
GGLA = struct.pack("<II", 0x67676C61, 1) + bytes(50)


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"", FileKind.EMPTY),
        (b"GGUF", FileKind.GGUF),
        (b"GGUF\x03\0\0\0", FileKind.GGUF),
        (b"GGUF\0\0\0\x03", FileKind.GGUF_BIG_ENDIAN),
        (b"FUGG\0\0\0\x03", FileKind.GGUF_BIG_ENDIAN),
        (GGML, FileKind.GGML),
        (GGMF, FileKind.GGMF),
        (GGJT[1], FileKind.GGJT),
        (GGLA, FileKind.GGLA),
        (b"PK\x03\x04rest", FileKind.ZIP),
        (b"\x80\x02\x8a\nl\xfc\x9cF\xf9", FileKind.PICKLE),
        (struct.pack("<Q", 40) + b'{"__metadata__":{}', FileKind.SAFETENSORS),
        (HTML, FileKind.HTML),
        (LFS, FileKind.GIT_LFS),
        (b'{"error":"Repository not found"}', FileKind.JSON),
        (bytes(4096), FileKind.ZEROS),
        (b"just a text", FileKind.UNKNOWN),
        (b"G", FileKind.UNKNOWN),
    ],
)
def test_identify(head: bytes, kind: FileKind) -> None:
    assert identify(head) is kind


@pytest.mark.parametrize(
    ("head", "title"),
    [
        (GGML, "GGML, 13B, Q4_0"),
        (GGMF, "GGMF v1, 13B, Q4_0"),
        (GGJT[1], "GGJT v1, 13B, Q4_1"),
        (GGJT[2], "GGJT v2, 13B, Q4_1"),
        (GGJT[3], "GGJT v3, 13B, Q4_1"),
        (GGLA, "GGLA v1"),
        (GGJT[3][:6], "GGJT"),
        (struct.pack("<II", 0x67676A74, 3) + b"\xff" * 28, "GGJT v3"),
    ],
)
def test_files_of_2023_are_named(head: bytes, title: str) -> None:
    found = read_legacy(head)
    assert found is not None
    assert found.title == title


@pytest.mark.parametrize(
    ("layers", "heir"),
    [(26, "qwen3.5-2b"), (32, "qwen3.5-4b"), (40, "qwen3.5-9b"), (60, "gemma4-26b-a4b"),
     (80, "qwen3.6-35b-a3b"), (7, "qwen3.5-4b")],
)  # fmt: skip
def test_every_heir_can_be_fetched(layers: int, heir: str, paths: Paths) -> None:
    head = struct.pack("<II7i", 0x67676A74, 3, 32000, 5120, 256, 40, layers, 128, 2)
    found = read_legacy(head)
    assert found is not None
    assert found.heir == heir
    assert catalogue.find(paths, heir) is not None


def test_a_current_file_is_no_legacy_file() -> None:
    assert read_legacy(gguf_models.llama().header()) is None


@pytest.mark.parametrize("version", [1, 2, 3])
def test_legacy_answer_says_what_why_and_what_to_run(tmp_path: Path, version: int) -> None:
    path = tmp_path / "wizardlm-13b.ggmlv3.q4_1.bin"
    path.write_bytes(GGJT[version])
    with pytest.raises(GaloshError) as caught:
        check_file(path)
    error = caught.value
    assert error.code == "gguf-legacy"
    assert f"GGJT v{version}, 13B, Q4_1" in error.why
    assert "dropped" in error.why
    assert "galosh pull qwen3.5-9b" in error.next_step
    assert path.read_bytes() == GGJT[version]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (HTML, "web page"),
        (LFS, "Git LFS pointer"),
        (b"", "empty"),
        (bytes(70_000), "zeros"),
        (b"\x80\x02}q\x00.", "pickle"),
        (struct.pack("<Q", 40) + b'{"a":1}' + bytes(40), "safetensors"),
        (b"hello", "no known model format"),
    ],
)
def test_things_that_are_no_model_are_named(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(content)
    with pytest.raises(GaloshError) as caught:
        check_file(path)
    assert caught.value.code == "gguf-not-a-model"
    assert words in caught.value.why


def test_a_real_zip_and_a_big_endian_model(tmp_path: Path) -> None:
    archive = tmp_path / "pytorch_model.bin"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("archive/data.pkl", b"\x80\x02.")
    with pytest.raises(GaloshError) as caught:
        check_file(archive)
    assert "PyTorch" in caught.value.why
    swapped = tmp_path / "s390x.gguf"
    swapped.write_bytes(gguf_models.llama().header(order=">"))
    with pytest.raises(GaloshError) as caught:
        check_file(swapped)
    assert caught.value.code == "gguf-big-endian"
    assert "big-endian" in caught.value.why


def test_russian_answer_is_russian(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GALOSH_LANG", "ru")
    path = tmp_path / "a.bin"
    path.write_bytes(GGML)
    with pytest.raises(GaloshError) as caught:
        check_file(path)
    assert "В августе 2023 года" in caught.value.why
