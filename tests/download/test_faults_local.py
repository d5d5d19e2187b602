"""The named fault cases of this PC: kills, disks, journals, two processes, proxies."""

from __future__ import annotations

import dataclasses
import errno
import threading
from pathlib import Path

import pytest

from galosh.base.errors import GaloshError
from galosh.download import downloads
from galosh.download.folder import Folder
from galosh.download.journal import RECORD_BYTES
from galosh.download.layer import Buffer, File, RealLayer
from galosh.download.limits import KIB, MIB
from galosh.download.plan import Plan
from galosh.download.state import State
from tests.download.support import SIZE, Rig, until
from tests.fakes.proxy import Proxy


def folder(rig: Rig, plan: Plan) -> Folder:
    return Folder.of(rig.paths, plan.key)


def test_01_a_stop_and_a_new_start_fetch_each_byte_once(rig: Rig, half: Plan) -> None:
    kept = downloads(rig.paths)[0].kept_bytes
    receipt = rig.fetch(half)
    assert rig.right()
    assert kept >= 0.4 * SIZE
    assert receipt.received_bytes == SIZE - kept


@pytest.mark.parametrize("cut", [1, 31, 33, RECORD_BYTES * 5 + 7])
def test_03_a_torn_journal_tail_costs_what_it_named(rig: Rig, half: Plan, cut: int) -> None:
    journal = folder(rig, half).journal
    journal.write_bytes(journal.read_bytes()[:-cut])
    receipt = rig.fetch(half)
    assert rig.right()
    assert receipt.received_bytes < 0.75 * SIZE


@pytest.mark.parametrize("damage", ["zeroed", "missing", "garbage"])
def test_04_a_lost_journal_is_no_dead_download(rig: Rig, half: Plan, damage: str) -> None:
    journal = folder(rig, half).journal
    if damage == "zeroed":
        journal.write_bytes(bytes(len(journal.read_bytes())))
    elif damage == "missing":
        journal.unlink()
    else:
        journal.write_bytes(b"garbage" * 100)
    rig.fetch(half)
    assert rig.right()


@pytest.mark.parametrize("content", [b"", b"{", b"\0" * 300])
def test_05_an_empty_plan_file_is_made_again_and_the_part_adopted(
    rig: Rig, half: Plan, content: bytes
) -> None:
    folder(rig, half).plan_file.write_bytes(content)
    assert downloads(rig.paths)[0].file_name is None
    receipt = rig.fetch(half)
    assert rig.right()
    assert receipt.received_bytes < 0.65 * SIZE


def test_05_a_part_that_was_taken_away_is_fetched_again(rig: Rig, half: Plan) -> None:
    (folder(rig, half).path / "part").unlink()
    rig.fetch(half)
    assert rig.right()


def test_28_rot_in_the_part_is_found_and_only_that_chunk_fetched(rig: Rig, half: Plan) -> None:
    part = folder(rig, half).path / "part"
    data = bytearray(part.read_bytes())
    data[100_000] ^= 1
    part.write_bytes(data)
    kept = downloads(rig.paths)[0].kept_bytes
    receipt = rig.fetch(half)
    assert rig.right()
    assert receipt.received_bytes == SIZE - kept + 64 * KIB


class CappedFile:
    """A file on a small volume."""

    def __init__(self, file: File, layer: SmallVolume, part: bool) -> None:
        self._file, self._layer, self._part = file, layer, part
        self.read, self.size, self.close = file.read, file.size, file.close
        self.append, self.sync, self.truncate = file.append, file.sync, file.truncate

    def reserve(self, size_bytes: int) -> None:
        """Sparse: the volume fills only as the file is written."""
        self._file.truncate(size_bytes)

    def write(self, offset: int, data: Buffer) -> None:
        """Full beyond the volume's end."""
        if self._part and offset + len(data) > self._layer.room_bytes:
            raise OSError(errno.ENOSPC, "No space left on device")
        self._file.write(offset, data)


class SmallVolume(RealLayer):
    """A volume that is full beyond `room_bytes` of the part."""

    def __init__(self) -> None:
        self.room_bytes = int(0.6 * SIZE)

    def open(self, path: Path, *, append: bool = False, create: bool = True) -> File:
        """See FileLayer."""
        file = super().open(path, append=append, create=create)
        return CappedFile(file, self, path.name == "part")


def test_25_a_full_disk_is_waited_out_with_everything_kept(rig: Rig) -> None:
    layer = SmallVolume()

    def make_room() -> None:
        until(lambda: "download-disk-full" in rig.causes())
        assert rig.seen[-1].kept_bytes > 0.4 * SIZE
        layer.room_bytes = SIZE

    thread = threading.Thread(target=make_room)
    thread.start()
    receipt = rig.fetch(rig.plan(rig.serve()), io=layer)
    thread.join()
    assert rig.right()
    assert State.WAITING_DISK in rig.states()
    assert receipt.received_bytes <= SIZE + 64 * KIB


class Volume(RealLayer):
    """A volume with stated facts."""

    def __init__(self, free: int, filesystem: str = "ext4") -> None:
        self.free, self.filesystem = free, filesystem

    def volume(self, path: Path) -> tuple[int | None, int | None, str | None, int]:
        """See FileLayer."""
        return self.free, 1 << 40, self.filesystem, 1


def test_25_room_is_looked_for_before_the_first_byte(rig: Rig) -> None:
    layer = Volume(SIZE // 2)

    def make_room() -> None:
        until(lambda: "download-disk-small" in rig.causes())
        assert not rig.hub.requests()
        layer.free = 10 * SIZE

    thread = threading.Thread(target=make_room)
    thread.start()
    rig.fetch(rig.plan(rig.serve()), io=layer)
    thread.join()
    assert rig.right()
    shown = next(one.waiting for one in rig.seen if one.waiting is not None)
    assert "?" not in str(shown.error())


def test_25_other_downloads_are_counted(rig: Rig, half: Plan) -> None:
    other = rig.plan(rig.serve("/other.gguf"), sha256="f" * 64)
    left = SIZE - downloads(rig.paths)[0].kept_bytes
    layer = Volume(SIZE + left // 2)
    (folder(rig, half).path / "part").write_bytes(b"")  # nothing reserved yet
    stop = threading.Event()

    def follow(_: object) -> None:
        if "download-disk-small" in rig.causes():
            stop.set()

    with pytest.raises(GaloshError) as caught:
        rig.fetch(other, io=layer, stop=stop, follow=follow)
    assert caught.value.code == "download-stopped"
    assert not rig.hub.requests("/other.gguf")


def test_fat32_is_named_before_the_first_byte(rig: Rig) -> None:
    plan = rig.plan(rig.serve(), size_bytes=5 << 30)
    with pytest.raises(GaloshError) as caught:
        rig.fetch(plan, io=Volume(1 << 40, "vfat"))
    assert caught.value.code == "download-file-too-large"
    assert "5.4 GB" in str(caught.value)
    assert not rig.hub.requests()


class FailingLayer(RealLayer):
    """Part syncs fail from the n-th on; counts them."""

    def __init__(self, number: int, code: int) -> None:
        self.number, self.code, self.syncs = number, code, 0

    def open(self, path: Path, *, append: bool = False, create: bool = True) -> File:
        """See FileLayer."""
        file = super().open(path, append=append, create=create)
        if path.name == "part":
            real = file.sync

            def sync() -> None:
                self.syncs += 1
                if self.syncs >= self.number:
                    raise OSError(self.code, "Input/output error")
                real()

            file.sync = sync  # type: ignore[method-assign]
        return file


def test_26_a_failed_sync_is_not_repeated_and_what_it_covered_is_lost(rig: Rig) -> None:
    layer = FailingLayer(2, errno.EIO)
    plan = rig.plan(rig.serve())
    limits = dataclasses.replace(rig.limits, flush_seconds=10.0, flush_bytes=MIB // 2)
    with pytest.raises(GaloshError) as caught:
        rig.fetch(plan, io=layer, limits=limits, max_rate_bytes=6 * MIB)
    assert caught.value.code == "download-disk-broken"
    assert layer.syncs == 2, "a second sync would prove nothing"
    status = downloads(rig.paths)[0]
    assert status.state is State.NEEDS_USER
    assert status.error is not None
    assert status.error.code == "download-disk-broken"
    assert 0 < status.kept_bytes < SIZE // 2
    rig.fetch(plan)
    assert rig.right()


def test_26_a_read_only_place_is_named(rig: Rig) -> None:
    class ReadOnly(RealLayer):
        def make_folder(self, folder: Path) -> None:
            raise OSError(errno.EROFS, "Read-only file system")

    with pytest.raises(GaloshError) as caught:
        rig.fetch(rig.plan(rig.serve()), io=ReadOnly())
    assert caught.value.code == "download-disk-readonly"
    assert "?" not in str(caught.value)


def test_30_a_target_that_is_held_open_is_named_and_sealed_at_the_next_start(rig: Rig) -> None:
    class Held(RealLayer):
        def rename(self, source: Path, target: Path) -> None:
            if target == rig.target:
                raise PermissionError(errno.EACCES, "used by another process")
            super().rename(source, target)

    plan = rig.plan(rig.serve())
    with pytest.raises(GaloshError) as caught:
        rig.fetch(plan, io=Held())
    assert caught.value.code == "download-target-locked"
    rig.hub.forget()
    rig.fetch(plan)
    assert rig.right()
    assert not rig.hub.requests()


def test_30_a_lock_that_lets_go_soon_is_waited_for(rig: Rig) -> None:
    class HeldOnce(RealLayer):
        tries = 0

        def rename(self, source: Path, target: Path) -> None:
            if target == rig.target and self.tries < 2:
                self.tries += 1
                raise PermissionError(errno.EACCES, "used by another process")
            super().rename(source, target)

    rig.fetch(rig.plan(rig.serve()), io=HeldOnce())
    assert rig.right()


@pytest.mark.parametrize("password", [False, True])
def test_30_a_proxy_that_wants_a_password(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, password: bool
) -> None:
    with Proxy(user="me", password="pw") as proxy:
        given = "me:pw@" if password else ""
        monkeypatch.setenv("http_proxy", f"http://{given}127.0.0.1:{proxy.port}")
        monkeypatch.setenv("no_proxy", "")
        if password:
            rig.fetch(rig.plan(rig.serve()))
            assert rig.right()
            return
        with pytest.raises(GaloshError) as caught:
            rig.fetch(rig.plan(rig.serve()))
        assert caught.value.code == "download-proxy-password"


def test_netrc_never_replaces_our_token(
    rig: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1 login me password secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    rig.fetch(rig.plan(rig.serve()))
    assert not [one for one in rig.hub.requests() if "authorization" in one.headers]
