"""Reuses or makes an engine: candidate after candidate, until one has proven itself.

Rules
- The engine in use stays in use until another one has passed its trial.
- One failed candidate leads to the next; the reason is kept in the history.
- Stops at once for what no other candidate can cure: a full disk, no index, a bad model.
"""

from __future__ import annotations

import platform
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.base.texts import say
from galosh.engine import causes, history, shelf, wheels
from galosh.engine.compile import clean, compile_wheel, jobs_for, require_space
from galosh.engine.host import host_of
from galosh.engine.install import fetch_prebuilt, install_wheel
from galosh.engine.pip import ROOM_BYTES
from galosh.engine.plan import (
    BUILD_FAILED,
    CACHED,
    NOT_AVAILABLE,
    PREBUILT,
    VERSION,
    Candidate,
    Failure,
    Host,
    Plan,
    Tools,
    missing_sets,
    plan,
)
from galosh.engine.processes import ask
from galosh.engine.records import Engine, Manifest, Trial
from galosh.engine.report import Report
from galosh.engine.toolbox import host_platform, survey
from galosh.engine.trial import LIMIT_SECONDS, try_engine

if TYPE_CHECKING:
    from galosh.hardware.facts import Machine

# What no other candidate can cure. A prebuilt wheel that cannot be had is no such thing.
_FINAL_CAUSES = {causes.KILLED: "engine-trial-killed", causes.LOAD: "engine-trial-load-failed"}
_FINAL = frozenset(
    {"engine-disk-full", "engine-index-unreachable", "engine-venv-failed", "engine-pip-missing",
     "base-disk-full", "base-not-writable", *_FINAL_CAUSES.values()}
)  # fmt: skip


def build(
    paths: Paths,
    machine: Machine,
    model: Path,
    report: Report,
    *,
    fresh: bool = False,
    limit_seconds: float = LIMIT_SECONDS,
    prefix: Sequence[str] = (),
    tools: Tools | None = None,
    keep_builds: bool = False,
) -> Engine:
    """An engine that has proven itself on this processor, made current.

    model: the GGUF to try it with. fresh: build even if a good engine is there, and give
    crashed candidates another chance. limit_seconds, prefix: see `try_engine`. tools: what
    to build with instead of what `survey` finds. keep_builds: keep the compiler's folders.

    Raises GaloshError `engine-no-candidate`, `engine-build-failed`, `engine-disk-full`,
    `engine-index-unreachable`, `engine-install-failed`, `engine-venv-failed`,
    `engine-pip-missing`, `engine-trial-killed`, `engine-trial-load-failed` or `engine-busy`;
    the engine in use so far stays in use.
    """
    host = host_of(machine)
    job = _Job(
        paths=paths, host=host, model=model, report=report, limit_seconds=limit_seconds,
        prefix=tuple(prefix), threads=max(1, machine.threads),
        jobs=jobs_for(_cores(machine), machine.memory.available_bytes.value),
        processor=history.processor_id(host, machine.cpu.model.value),
    )  # fmt: skip
    with shelf.build_lock(paths, report):
        shelf.sweep(paths)
        wheels.sweep(paths)
        if fresh:
            history.forget(paths, VERSION, job.processor)
        engine = None if fresh else _reusable(job)
        if engine is None:
            engine = _make(job, survey() if tools is None else tools)
            if not keep_builds:
                clean(paths)
        return engine


def preview(paths: Paths, machine: Machine) -> Plan:
    """What `build` would try, best first, without doing any of it."""
    host = host_of(machine)
    processor = history.processor_id(host, machine.cpu.model.value)
    kept = wheels.cached_wheels(paths, VERSION, host_platform())
    failures = history.lasting_failures(paths, VERSION, processor)
    return plan(host, survey(), failures, [wheel.cached for wheel in kept])


def _cores(machine: Machine) -> int:
    """How many compilers the processor serves: hyper-threads count, a quota too."""
    usable = machine.cpu.usable_cores.value or machine.threads
    quota = machine.cpu.quota_cores.value
    return usable if quota is None else max(1, min(usable, int(quota)))


@dataclass
class _Job:
    """One call of `build`: what it works on, and what failed so far."""

    paths: Paths
    host: Host
    model: Path
    report: Report
    limit_seconds: float
    prefix: tuple[str, ...]
    threads: int
    jobs: int
    processor: str
    failures: list[Failure] = field(default_factory=list)
    last_error: GaloshError | None = None


def _reusable(job: _Job) -> Engine | None:
    """An engine proven on this processor that still starts; it is made current."""
    now = shelf.current(job.paths)
    others = [engine for engine in shelf.engines(job.paths) if now is None or engine != now]
    for engine in ([now] if now is not None else []) + others:
        manifest = engine.manifest
        proven = manifest.trial is not None and manifest.trial.ok
        same = manifest.version == VERSION and manifest.cpu == job.processor
        if proven and same and _starts(engine):
            if engine != now:
                shelf.switch(job.paths, engine.build_id, confirmed=now is None)
            return engine
    return None


def _starts(engine: Engine) -> bool:
    """Whether the environment still works: its Python may have been updated away."""
    return ask([str(engine.python), "-I", "-c", "import llama_cpp, jinja2"], 60.0) is not None


def _make(job: _Job, tools: Tools) -> Engine:
    require_space(job.paths.engines, ROOM_BYTES)
    job.failures = list(history.lasting_failures(job.paths, VERSION, job.processor))
    while True:
        kept = wheels.cached_wheels(job.paths, VERSION, host_platform())
        todo = plan(job.host, tools, job.failures, [wheel.cached for wheel in kept])
        if not todo.candidates:
            raise _nothing_left(job, todo)
        candidate = todo.candidates[0]
        job.report.step("engine.step-candidate", name=candidate.name)
        try:
            engine = _attempt(job, candidate)
        except GaloshError as error:
            _note_failure(job, candidate, error)
            continue
        if engine is not None:
            return engine


def _attempt(job: _Job, candidate: Candidate) -> Engine | None:
    """Get, install and try one candidate; None when its trial failed."""
    wheel = _wheel(job, candidate)
    staging = shelf.new_staging(job.paths)
    try:
        install_wheel(wheel, staging, job.host, job.report)
        manifest = Manifest(
            version=VERSION, candidate=candidate.name, flags=wheel.flags,
            compiler=wheel.compiler, python_version=platform.python_version(),
            built_at=time.time(), wheel=wheel.path.name, wheel_sha256=wheel.sha256,
            requires=tuple(sorted(wheel.requires)), cpu=job.processor,
        )  # fmt: skip
        trial = _try(job, Engine(candidate.name, staging, manifest))
        history.remember(job.paths, VERSION, job.processor, candidate.name, trial)
        if not trial.ok:
            _judge(job, candidate, trial)
            return None
        build_id = _free_id(job.paths, f"{VERSION}-{candidate.name}")
        engine = shelf.publish(job.paths, staging, build_id, manifest.with_trial(trial))
        shelf.switch(job.paths, build_id, confirmed=False)
        job.report.step("engine.step-ready", name=build_id, decode_tps=f"{trial.decode_tps:.1f}")
        return engine
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _wheel(job: _Job, candidate: Candidate) -> wheels.Wheel:
    if candidate.way == CACHED:
        kept = wheels.cached_wheels(job.paths, VERSION, host_platform())
        return next(wheel for wheel in kept if wheel.key == candidate.wheel_key)
    if candidate.way == PREBUILT:
        return fetch_prebuilt(job.paths, candidate, job.host, job.report)
    return compile_wheel(job.paths, candidate, job.host.architecture, job.report, jobs=job.jobs)


def _try(job: _Job, engine: Engine) -> Trial:
    job.report.step("engine.step-trial", name=engine.manifest.candidate)
    return try_engine(
        engine, job.model,
        limit_seconds=job.limit_seconds, prefix=job.prefix, threads=job.threads,
    )  # fmt: skip


def _judge(job: _Job, candidate: Candidate, trial: Trial) -> None:
    """Note a failed trial; raise where no other engine could do better."""
    cause = str(trial.cause)
    job.failures.append(Failure(candidate.name, cause))
    job.report.step(
        "engine.step-trial-failed",
        name=candidate.name, cause=cause, reason=say(f"engine.cause-{cause}"),
    )  # fmt: skip
    if cause in _FINAL_CAUSES:
        raise GaloshError(_FINAL_CAUSES[cause], model=job.model.name, reason=trial.detail or "–")


def _note_failure(job: _Job, candidate: Candidate, error: GaloshError) -> None:
    """Note a candidate that could not be had; re-raise what no other one can cure."""
    job.report.line(str(error))
    if candidate.way == PREBUILT and error.code in ("engine-index-unreachable",
                                                     "engine-install-failed"):  # fmt: skip
        job.failures.append(Failure(candidate.name, NOT_AVAILABLE))
        return
    if error.code in _FINAL:
        raise error
    if error.code == "engine-wheel-corrupt" and candidate.way == CACHED:
        return  # deleted from the cache: the next plan makes it anew
    job.failures.append(Failure(candidate.name, BUILD_FAILED))
    job.last_error = error


def _nothing_left(job: _Job, todo: Plan) -> GaloshError:
    if job.last_error is not None:
        return job.last_error
    tried = ", ".join(f"{failure.candidate}: {failure.cause}" for failure in job.failures)
    reasons = ", ".join(f"{refusal.way}: {refusal.reason}" for refusal in todo.refusals)
    return GaloshError(
        "engine-no-candidate",
        tried=tried or "–", refused=reasons or "–",
        missing=missing_sets(job.host, job.failures),
    )  # fmt: skip


def _free_id(paths: Paths, wanted: str) -> str:
    number = 1
    while (paths.engines / f"{wanted}-{number}").exists():
        number += 1
    return f"{wanted}-{number}"
