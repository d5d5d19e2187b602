"""The one error type of galosh.

An error is a stable `code` plus measured `facts`; its sentences (what happened, why, what
was kept, one next step) live in the message catalogue, so the same error reads in the
user's language wherever it surfaces: terminal, HTTP, tray. Never carries a secret or the
text of a prompt in its facts.
"""

from __future__ import annotations

from collections.abc import Mapping

from galosh.base.texts import error_text, fill


class GaloshError(Exception):
    """An outcome the user must hear about.

    code: kebab-case, starts with the part's name, listed in docs/errors.md.
    facts: JSON-able values the sentences name (`_bytes`, `_seconds` are formatted).
    """

    def __init__(self, code: str, /, **facts: object) -> None:
        super().__init__(code)
        self.code = code
        self.facts: dict[str, object] = dict(facts)

    @property
    def what(self) -> str:
        """What happened, in one sentence."""
        return fill(error_text(self.code).what, self.facts)

    @property
    def why(self) -> str:
        """The measured fact behind it."""
        return fill(error_text(self.code).why, self.facts)

    @property
    def kept(self) -> str | None:
        """What was saved or left as it was, if there is something to say."""
        text = error_text(self.code).kept
        return None if text is None else fill(text, self.facts)

    @property
    def next_step(self) -> str:
        """The one thing to do next."""
        return fill(error_text(self.code).next_step, self.facts)

    @property
    def exit_code(self) -> int:
        """The CLI's exit status for it."""
        return error_text(self.code).exit_code

    @property
    def http_status(self) -> int:
        """The HTTP status the daemon answers with."""
        return error_text(self.code).http_status

    def __str__(self) -> str:
        parts = (self.what, self.why, self.kept, self.next_step)
        return " ".join(part for part in parts if part)

    def to_json(self) -> dict[str, object]:
        """JSON form; `from_json` of it is an equal error, in the reader's own language."""
        return {
            "code": self.code,
            "what": self.what,
            "why": self.why,
            "kept": self.kept,
            "next_step": self.next_step,
            "facts": self.facts,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, object]) -> GaloshError:
        """The error a peer described with `to_json`; unknown codes keep the peer's words."""
        facts = data.get("facts")
        facts = facts if isinstance(facts, Mapping) else {}
        code = str(data.get("code", "base-unknown"))
        try:
            error_text(code)
        except KeyError:
            return cls("base-unknown", peer_code=code, reason=str(data.get("what", code)))
        return cls(code, **{str(name): value for name, value in facts.items()})
