"""Runs the guided setup: show what was found, show the plan, ask once, do it, show the proof.

Knows no terminal: it drives a Delegate. Rules: one setup at a time; a step that is done is
not done again; the time of every step is kept; stopped anywhere, the next run goes on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from galosh import hardware
from galosh.base import durable
from galosh.base.clock import Clock, SystemClock
from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.base.texts import say
from galosh.setup import launcher, times
from galosh.setup.background import fetch_recommended
from galosh.setup.findings import describe
from galosh.setup.settle_desktop import settle_desktop
from galosh.setup.steps import Options, Step, Work, all_steps, choose_model, step_title
from galosh.setup.view import Delegate, PlannedStep, StepTime, Summary


def run_setup(
    paths: Paths,
    options: Options,
    delegate: Delegate,
    *,
    clock: Clock | None = None,
    steps: Sequence[Step] | None = None,
) -> Summary:
    """Set galosh up, or repair it; returns what was reached.

    Raises GaloshError: setup-busy, setup-disk-short, setup-model-… or whatever a step raises.
    What worked before still works then.
    """
    with _lock(paths):
        clock = clock or SystemClock()
        entry, own_file = choose_model(paths, options.model)
        machine = hardware.probe(paths)
        delegate.found(describe(machine))
        work = Work(paths, options, machine, clock, delegate, entry, own_file)
        chosen = all_steps() if steps is None else tuple(steps)
        plan = [_plan(step, work) for step in chosen]
        delegate.planned(plan)
        if not options.yes and not all(p.done for p in plan[:-1]) and not delegate.ask_to_begin():
            return Summary(finished=False)
        _check_disk(work, chosen, plan)
        _say_about_tray(work)
        taken = tuple(_perform(step, work) for step in chosen)
        queued = None if work.answer is None else fetch_recommended(work)
        settle_desktop(work)
        summary = Summary(True, work.answer, launcher.next_things(paths), taken, queued)
        delegate.finish(summary)
        return summary


@contextmanager
def _lock(paths: Paths) -> Iterator[None]:
    from filelock import FileLock, Timeout

    try:
        paths.state.mkdir(parents=True, exist_ok=True)
        lock = FileLock(paths.state / "setup.lock")
        lock.acquire(timeout=0)
    except Timeout as error:
        raise GaloshError("setup-busy", path=str(paths.state)) from error
    except OSError as error:
        raise durable.explain_os_error(error, paths.state / "setup.lock") from error
    for folder in (paths.state, paths.config, paths.data, paths.models):
        durable.remove_leftovers(folder)
    try:
        yield
    finally:
        lock.release()


def _plan(step: Step, work: Work) -> PlannedStep:
    done = step.is_done(work)
    estimate = None if done else step.estimate_seconds(work)
    return PlannedStep(step.key, step_title(step, work), estimate, done)


def _check_disk(work: Work, steps: Sequence[Step], plan: Sequence[PlannedStep]) -> None:
    """Refuse before the first byte what would fail after ten minutes."""
    needed = sum(step.needs_bytes(work) for step, p in zip(steps, plan, strict=True) if not p.done)
    free = durable.free_bytes(work.paths.data)
    if free is not None and free < needed:
        raise GaloshError(
            "setup-disk-short", path=str(work.paths.data), free_bytes=free, needed_bytes=needed
        )


def _say_about_tray(work: Work) -> None:
    if work.machine.display.kind.value is None:
        work.delegate.note(say("setup.tray-no-display"))


def _perform(step: Step, work: Work) -> StepTime:
    reused = step.is_done(work)
    work.delegate.begin(step.key, step_title(step, work))
    started = work.clock.monotonic_seconds()
    try:
        step.run(work)
    except OSError as error:
        raise durable.explain_os_error(error, work.paths.data) from error
    time = StepTime(step.key, round(work.clock.monotonic_seconds() - started, 3), reused)
    times.append(work.paths, work.clock, time)
    work.delegate.end(time)
    return time
