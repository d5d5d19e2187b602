"""Resolving against the fake hub and index, for the tests of sources."""

from __future__ import annotations

import os

import pytest

from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.download.ask import Asker
from galosh.download.plan import ByteSource, Plan
from galosh.download.resolved import Resolved
from galosh.download.sources import resolve
from tests.fakes.hub import FaultHub
from tests.fakes.model_files import gguf

DATA = gguf(40_000)
BIG = gguf(3_000_000, seed=7)  # larger than what is read of a wheel in one go


def ask(hub: FaultHub, asker: Asker, source: str, **environ: str) -> Resolved:
    """Resolve with the fake as the hub and as pip's index."""
    facts = {
        "HF_ENDPOINT": hub.url,
        "PIP_INDEX_URL": f"{hub.url}/simple",
        "PIP_CONFIG_FILE": os.devnull,
        "HOME": os.environ["HOME"],
        **environ,
    }
    return resolve(source, Paths.find(), asker=asker, environ=facts)


def refusal(hub: FaultHub, asker: Asker, source: str, **environ: str) -> GaloshError:
    with pytest.raises(GaloshError) as caught:
        ask(hub, asker, source, **environ)
    assert str(caught.value).count("?") == 0, "every fact of the sentence is there"
    return caught.value


def read(hub: FaultHub, plan: Plan) -> bytes:
    """The bytes a plan stands for, as an honest network delivers them."""
    whole = bytearray(plan.size_bytes or 0)
    for source in plan.sources:
        data = _remote(hub, source)
        start, length = source.member or (0, len(data))
        whole[source.at : source.at + length] = data[start : start + length]
    return bytes(whole)


def _remote(hub: FaultHub, source: ByteSource) -> bytes:
    import requests

    headers = {"Authorization": f"Bearer {source.token}"} if source.token else {}
    with requests.get(source.url, headers=headers, timeout=5) as reply:
        assert reply.status_code == 200
        return reply.content
