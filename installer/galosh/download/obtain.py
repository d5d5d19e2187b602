"""The whole way from a SOURCE to a model's file, waiting out what passes by itself.

Owns the waits before there is a plan: no network, a sign-in page, a busy hub. Once there is a
plan the engine's own waits take over. Never gives up on what passes by itself; `stop` ends it.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from pathlib import Path

from galosh.base.clock import SystemClock
from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.download.ask import Asker
from galosh.download.backoff import Backoff
from galosh.download.deliver import Delivered, Options, deliver
from galosh.download.limits import Limits
from galosh.download.resolved import Resolved
from galosh.download.sources import resolve
from galosh.download.state import Progress, State, Wait

PASSING = frozenset(
    {
        "download-network-away",
        "download-captive-portal",
        "download-server-busy",
        "download-rate-limited",
    }
)


def obtain(
    source: str,
    place: Callable[[Resolved], Path],
    paths: Paths,
    options: Options | None = None,
    *,
    sha256: str | None = None,
    environ: Mapping[str, str] | None = None,
) -> Delivered:
    """Resolve `source`, fetch it to `place(resolved)`, and say what there is now. Blocks.

    Raises GaloshError: what `resolve` and `deliver` raise, less what passes by itself.
    """
    options = options or Options()
    resolved = resolve_patiently(source, paths, options, sha256=sha256, environ=environ)
    return deliver(resolved, place(resolved), paths, options)


def resolve_patiently(
    source: str,
    paths: Paths,
    options: Options,
    *,
    sha256: str | None = None,
    environ: Mapping[str, str] | None = None,
    asker: Asker | None = None,
) -> Resolved:
    """`resolve`, but what passes by itself is waited out and told through `options.follow`.

    Raises GaloshError `download-stopped` when `options.stop` is set meanwhile.
    """
    limits = options.limits or Limits()
    backoff = Backoff(limits)
    while True:
        if options.follow is not None:
            options.follow(Progress(State.RESOLVING, 0, None))
        try:
            return resolve(source, paths, sha256=sha256, environ=environ, asker=asker)
        except GaloshError as error:
            if error.code not in PASSING:
                raise
            chance = random.random()  # noqa: S311 - spreads clients, hides nothing
            delay = max(backoff.fail(0, chance), limits.backoff_first_seconds / 2)
            wish = error.facts.get("wait_seconds")
            # Asked to wait so long: never sooner.
            delay = max(delay, float(wish)) if isinstance(wish, (int, float)) else delay
            _wait(Wait(error.code, delay, error.facts), source, options, limits)


def _wait(wait: Wait, source: str, options: Options, limits: Limits) -> None:
    clock = options.clock or SystemClock()
    until = clock.monotonic_seconds() + wait.next_try_seconds
    while (left := until - clock.monotonic_seconds()) > 0:
        if options.follow is not None:
            shown = Wait(wait.cause, left, wait.facts)
            options.follow(Progress(wait.state, 0, None, waiting=shown))
        step = min(left, limits.tick_seconds)
        if options.stop is not None:
            options.stop.wait(step)
        else:
            clock.sleep(step)
        if options.stop is not None and options.stop.is_set():
            raise GaloshError(
                "download-stopped", file_name=source, origin=source, kept_bytes=0, key="-"
            )
