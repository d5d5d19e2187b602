"""Archives never extract outside of their folder."""

from __future__ import annotations

import io
import stat
import tarfile
from pathlib import Path

import pytest

from galosh.base.errors import GaloshError
from galosh.engine.unpack import unpack_tar

HELLO = b"hello"


def archive(folder: Path, *members: tarfile.TarInfo) -> Path:
    path = folder / "source.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        for member in members:
            member.size = len(HELLO) if member.isreg() else 0
            tar.addfile(member, io.BytesIO(HELLO) if member.isreg() else None)
    return path


def member(
    name: str, kind: bytes = tarfile.REGTYPE, link: str = "", mode: int = 0o644
) -> tarfile.TarInfo:
    found = tarfile.TarInfo(name)
    found.type, found.linkname, found.mode = kind, link, mode
    return found


EVIL = (
    member("../evil"),
    member("a/../../evil"),
    member("/tmp/evil"),
    member("a\\..\\..\\evil"),
    member("C:evil"),
    member("link", tarfile.SYMTYPE, "/etc/passwd"),
    member("link", tarfile.SYMTYPE, "inside"),
    member("link", tarfile.LNKTYPE, "../evil"),
    member("pipe", tarfile.FIFOTYPE),
    member("disk", tarfile.BLKTYPE),
)


@pytest.mark.parametrize("evil", EVIL, ids=lambda one: f"{one.name}-{one.type.decode()}")
def test_one_member_that_would_escape_and_nothing_is_written(
    evil: tarfile.TarInfo, tmp_path: Path
) -> None:
    inside = tmp_path / "home" / "inside"
    inside.mkdir(parents=True)
    path = archive(tmp_path, member("good"), evil)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(GaloshError) as caught:
        unpack_tar(path, inside)
    assert caught.value.code == "engine-archive-unsafe"
    assert sorted(tmp_path.rglob("*")) == before


def test_files_and_folders_come_whole(tmp_path: Path) -> None:
    path = archive(
        tmp_path, member("a", tarfile.DIRTYPE), member("a/run.sh", mode=0o6777),
        member("b/c/plain", mode=0o666),
    )  # fmt: skip
    inside = tmp_path / "inside"
    inside.mkdir()
    unpack_tar(path, inside)
    assert (inside / "a/run.sh").read_bytes() == (inside / "b/c/plain").read_bytes() == HELLO
    modes = [stat.S_IMODE((inside / name).stat().st_mode) for name in ("a/run.sh", "b/c/plain")]
    assert modes == [0o755, 0o644]
