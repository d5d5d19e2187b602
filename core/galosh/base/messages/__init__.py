"""The one catalogue of every text a user reads, in English and Russian.

One module per part (`galosh.base.messages.<part>`), each with two tables:

- `TEXTS`: key -> (English, Russian). Keys start with the part: `setup.found.cpu`.
- `ERRORS`: code -> `ErrorText`. Codes start with the part: `engine-trial-crashed`.

Texts are `str.format` templates over facts given by name. A fact whose name ends in
`_bytes` or `_seconds` is shown as a size or a duration, so write `{free_bytes}`, never
`{free_bytes} bytes`. Modules hold data only and are imported when first asked for.
"""

from __future__ import annotations

from typing import NamedTuple

Text = tuple[str, str]  # (English, Russian)


class ErrorText(NamedTuple):
    """The sentences of one error code.

    what: what happened, past tense, in the user's nouns. why: the measured fact.
    next_step: exactly one thing to do. kept: what was saved or left as it was.
    """

    what: Text
    why: Text
    next_step: Text
    kept: Text | None = None
    http_status: int = 500
    exit_code: int = 1
