"""Fixtures of the download tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from galosh.base.paths import Paths
from galosh.download.plan import Plan
from tests.download.support import Rig
from tests.fakes.hub import FaultHub


@pytest.fixture
def rig(paths: Paths) -> Iterator[Rig]:
    """A fault server and empty folders."""
    with FaultHub() as hub:
        yield Rig(hub, paths)


@pytest.fixture
def half(rig: Rig) -> Plan:
    """A plan of which some 40 % lie on disk."""
    plan = rig.plan(rig.serve())
    rig.stop_at(plan, 0.4)
    rig.hub.forget()
    rig.seen.clear()
    return plan
