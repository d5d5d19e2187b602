"""A finished file that rots is found and repaired chunk by chunk."""

from __future__ import annotations

import pytest

from galosh.base.errors import GaloshError
from galosh.download.limits import KIB
from galosh.download.mend import start_mending, verify
from tests.download.support import SIZE, Rig


@pytest.mark.parametrize("pinned", [True, False])
def test_only_the_damaged_chunks_are_fetched(rig: Rig, pinned: bool) -> None:
    rig.fetch(rig.plan(rig.serve(), pinned=pinned))
    assert verify(rig.target).sound
    data = bytearray(rig.data)
    data[70_000] ^= 4
    data[2_000_000] ^= 1
    rig.target.write_bytes(data)
    found = verify(rig.target)
    assert not found.sound
    assert found.damaged == (1, 30)
    plan = start_mending(rig.paths, found)
    receipt = rig.fetch(plan)
    assert rig.right()
    assert receipt.received_bytes == 2 * 64 * KIB


def test_a_file_that_lost_its_end_is_mended_too(rig: Rig) -> None:
    rig.fetch(rig.plan(rig.serve()))
    rig.target.write_bytes(rig.data[: SIZE // 2])
    found = verify(rig.target)
    assert found.size_differs
    receipt = rig.fetch(start_mending(rig.paths, found))
    assert rig.right()
    assert receipt.received_bytes < 0.55 * SIZE


def test_a_file_of_others_cannot_be_checked(rig: Rig) -> None:
    rig.target.parent.mkdir(parents=True)
    rig.target.write_bytes(b"mine")
    with pytest.raises(GaloshError) as caught:
        verify(rig.target)
    assert caught.value.code == "download-no-receipt"
