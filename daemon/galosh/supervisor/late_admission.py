"""The real admission, imported by the first load or by `prepare`: no start waits for it."""

from __future__ import annotations

from collections.abc import Callable

from galosh.base.paths import Paths
from galosh.base.settings import Settings
from galosh.store import ModelStore
from galosh.supervisor.admission import Admission
from galosh.supervisor.load_plan import Admitted, LoadWish


class LateAdmission:
    """See the module."""

    def __init__(self, paths: Paths, settings: Callable[[], Settings], store: ModelStore) -> None:
        self._parts = (paths, settings, store)
        self._real: Admission | None = None

    def admit(self, wish: LoadWish, build_id: str | None) -> Admitted:
        """See Admission."""
        if self._real is None:
            from galosh.supervisor.admit import Admit

            self._real = Admit(*self._parts)
        return self._real.admit(wish, build_id)
