"""The wheel cache: complete entries only, damaged ones thrown away."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.engine import source, wheels
from galosh.engine.wheels import Wheel

NAME = "llama_cpp_python-0.3.36-py3-none-linux_x86_64.whl"


def kept(paths: Paths, folder: Path, **changes: object) -> Wheel:
    folder.mkdir(exist_ok=True)
    made = folder / NAME
    made.write_bytes(b"a wheel")
    wheel = Wheel(
        key="0.3.36-source-cc-avx-1", path=made, version="0.3.36", candidate="source-cc-avx",
        sha256=wheels.sha256_of(made), size_bytes=7, requires=frozenset({"avx"}),
        flags=((wheels.SOURCE_FLAG, source.MARK), ("GGML_AVX", "ON")), compiler="gcc 12",
    )  # fmt: skip
    wheel = dataclasses.replace(wheel, **changes)  # type: ignore[arg-type]
    return wheels.keep(paths, made, wheel, "linux-x86_64")


def test_a_kept_wheel_is_found_with_all_it_said(paths: Paths, tmp_path: Path) -> None:
    wheel = kept(paths, tmp_path / "out")
    assert wheel.path.parent.parent == paths.wheels
    assert wheels.cached_wheels(paths, "0.3.36", "linux-x86_64") == (wheel,)
    wheels.check(wheel)


def test_other_versions_and_platforms_are_not_offered(paths: Paths, tmp_path: Path) -> None:
    kept(paths, tmp_path / "out")
    assert wheels.cached_wheels(paths, "0.3.37", "linux-x86_64") == ()
    assert wheels.cached_wheels(paths, "0.3.36", "darwin-arm64") == ()


def test_a_wheel_of_another_source_is_made_anew_but_not_a_prebuilt_one(
    paths: Paths, tmp_path: Path
) -> None:
    old = (("GGML_AVX", "ON"),)
    kept(paths, tmp_path / "out", flags=old)
    assert wheels.cached_wheels(paths, "0.3.36", "linux-x86_64") == ()
    prebuilt = kept(paths, tmp_path / "out", flags=(), candidate="prebuilt-cpu", key="p")
    assert wheels.cached_wheels(paths, "0.3.36", "linux-x86_64") == (prebuilt,)


def test_a_wheel_with_a_flipped_bit_is_refused_and_deleted(paths: Paths, tmp_path: Path) -> None:
    wheel = kept(paths, tmp_path / "out")
    wheel.path.write_bytes(b"a wheeL")
    with pytest.raises(GaloshError) as caught:
        wheels.check(wheel)
    assert caught.value.code == "engine-wheel-corrupt"
    assert wheels.cached_wheels(paths, "0.3.36", "linux-x86_64") == ()


def test_a_cut_wheel_is_not_even_offered(paths: Paths, tmp_path: Path) -> None:
    wheel = kept(paths, tmp_path / "out")
    wheel.path.write_bytes(b"a wh")
    assert wheels.cached_wheels(paths, "0.3.36", "linux-x86_64") == ()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"platform": "linux-x86_64", "file": 3}'])
def test_a_damaged_sidecar_hides_its_wheel(paths: Paths, tmp_path: Path, text: str) -> None:
    wheel = kept(paths, tmp_path / "out")
    (wheel.path.parent / wheels.SIDECAR).write_text(text)
    assert wheels.cached_wheels(paths, "0.3.36", "linux-x86_64") == ()


def test_half_moved_wheels_are_swept(paths: Paths) -> None:
    (paths.wheels / ".part-12").mkdir(parents=True)
    assert wheels.cached_wheels(paths, "0.3.36", "linux-x86_64") == ()
    wheels.sweep(paths)
    assert not list(paths.wheels.iterdir())


def test_keys_differ_by_flags_and_processor() -> None:
    keys = {
        wheels.wheel_key("source-cc-native", "0.3.36", platform, {"cpu": cpu})
        for platform in ("linux-x86_64", "darwin-arm64")
        for cpu in ("avx", "avx,avx2")
    }
    assert len(keys) == 4
