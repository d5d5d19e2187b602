"""How a fetch ended, for the fault cases."""

from __future__ import annotations

import pytest

from galosh.base.errors import GaloshError
from galosh.download.plan import Plan
from tests.download.support import Rig


def fails(rig: Rig, plan: Plan, **options: object) -> GaloshError:
    """The error a fetch ends with; its sentences have all their facts."""
    with pytest.raises(GaloshError) as caught:
        rig.fetch(plan, **options)
    assert "?" not in str(caught.value)
    return caught.value


def extra_bytes(rig: Rig) -> int:
    """Body bytes the server sent beyond one copy of the file."""
    return rig.hub.bytes_sent("model.gguf") - len(rig.data)
