"""Puts a wheel and what it needs into a fresh environment, and fetches prebuilt wheels."""

from __future__ import annotations

import platform
import sys
import tempfile
from pathlib import Path

from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.engine.levels import missing_for_prebuilt, old_numpy_needed
from galosh.engine.pip import make_environment, run_pip
from galosh.engine.plan import VERSION, Candidate, Host
from galosh.engine.records import python_of
from galosh.engine.report import Report
from galosh.engine.toolbox import host_platform
from galosh.engine.wheels import Wheel, check, keep, sha256_of, wheel_key

# The binding's own index of prebuilt wheels; PyPI holds only its source.
_INDEX = "https://abetlen.github.io/llama-cpp-python/whl/{name}"
_INDEX_TIMEOUT_SECONDS = 5


def install_wheel(wheel: Wheel, environment: Path, host: Host, report: Report) -> None:
    """Make `environment` and install `wheel` with its dependencies from the user's index.

    Raises GaloshError `engine-wheel-corrupt` (the wheel is gone from the cache then), and
    those of `make_environment` and `run_pip`.
    """
    check(wheel)
    report.step("engine.step-install", name=wheel.path.name)
    make_environment(environment)
    arguments = ["install", "--prefer-binary", "--no-compile", str(wheel.path)]
    if old_numpy_needed(host.architecture, host.flags):
        arguments.append("numpy<2.4")
    run_pip(python_of(environment), arguments, report, purpose="numpy, jinja2, diskcache")


def fetch_prebuilt(paths: Paths, candidate: Candidate, host: Host, report: Report) -> Wheel:
    """Fetch the prebuilt wheel of `candidate` into the cache.

    Raises GaloshError `engine-index-unreachable` when the index cannot be reached or has no
    wheel for this machine.
    """
    index = str(candidate.index)
    report.step("engine.step-prebuilt", index=index)
    paths.wheels.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=paths.wheels, prefix=".part-") as temp:
        arguments = [
            "download", "--no-deps", "--only-binary", ":all:", "--dest", temp,
            "--retries", "0", "--timeout", str(_INDEX_TIMEOUT_SECONDS),
            "--index-url", _INDEX.format(name=index), f"llama-cpp-python=={VERSION}",
        ]  # fmt: skip
        run_pip(Path(sys.executable), arguments, report, purpose=f"llama-cpp-python ({index})")
        made = next(Path(temp).glob("*.whl"), None)
        if made is None:
            raise GaloshError(
                "engine-index-unreachable", purpose=f"llama-cpp-python ({index})", reason="–"
            )
        return _keep(paths, made, candidate, host)


def _keep(paths: Paths, made: Path, candidate: Candidate, host: Host) -> Wheel:
    needs = missing_for_prebuilt(host.architecture, frozenset())
    wheel = Wheel(
        key=wheel_key(candidate.name, VERSION, host_platform(), {"python": _python_tag()}),
        path=made,
        version=VERSION,
        candidate=candidate.name,
        sha256=sha256_of(made),
        size_bytes=made.stat().st_size,
        requires=frozenset(needs),
        flags=(),
        compiler="prebuilt",
    )
    return keep(paths, made, wheel, host_platform())


def _python_tag() -> str:
    return "".join(("py", *platform.python_version_tuple()[:2]))
