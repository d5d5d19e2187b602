"""A conversation of `galosh chat` as text that people read and `/load` reads back. Pure.

Each turn begins with its speaker, `**user:** …`; a line of a turn that looks like such a
beginning gets a backslash, which comes off again.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

Message = dict[str, object]
_ROLES = ("system", "user", "assistant")
_BEGIN = re.compile(rf"^\*\*({'|'.join(_ROLES)}):\*\*[ \t]?", re.MULTILINE)
_HIDDEN = re.compile(rf"^(\\+)(?=\*\*(?:{'|'.join(_ROLES)}):\*\*)", re.MULTILINE)
_TO_HIDE = re.compile(rf"^(?=\\*\*\*(?:{'|'.join(_ROLES)}):\*\*)", re.MULTILINE)


def to_text(messages: Sequence[Message]) -> str:
    """The conversation as a readable file."""
    turns = [f"**{one['role']}:** {_hidden(str(one['content']))}" for one in messages]
    return "\n\n".join(turns) + "\n" if turns else ""


def from_text(text: str) -> list[Message]:
    """The conversation in such a file; ValueError where there is none."""
    begins = list(_BEGIN.finditer(text))
    if not begins or text[: begins[0].start()].strip():
        raise ValueError("**user:** …")
    ends = [begin.start() for begin in begins[1:]] + [len(text)]
    return [
        {"role": begin[1], "content": _HIDDEN.sub(_one_less, text[begin.end() : end].rstrip("\n"))}
        for begin, end in zip(begins, ends, strict=True)
    ]


def _hidden(text: str) -> str:
    return _TO_HIDE.sub(r"\\", text)


def _one_less(found: re.Match[str]) -> str:
    return found[1][1:]
