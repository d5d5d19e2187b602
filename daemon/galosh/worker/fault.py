"""The worker's one error: a code and JSON-able facts, without words. Never holds a prompt."""

from __future__ import annotations


class WorkerFault(Exception):  # noqa: N818 - a stated outcome, not only an error
    """An outcome the daemon must hear about; `code` is in `galosh.base.messages.worker`."""

    def __init__(self, code: str, /, **facts: object) -> None:
        super().__init__(code)
        self.code = code
        self.facts = facts
