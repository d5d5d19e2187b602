"""Markdown as it streams in, told as pieces a text widget can show. Pure.

Not a Markdown processor: what models write in answers (headings, lists, quotes, code, bold,
italic, struck, links, rules) made readable, and everything else shown as it stands. A piece is
final once it is given out, so that nothing shown is ever read again.

A text widget gets slow where one line grows long, so a long paragraph is parted at the end of a
sentence; such a break is `soft`, and who copies what is shown leaves it out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_LONG = 360  # characters from which a paragraph is parted at the next end of a sentence …
_TOO_LONG = 1600  # … or, without one, between two words
_SENTENCE = re.compile(r"[.!?…。！？][\"'”»)\]]*(?=\s)")
_BLOCK = re.compile(
    r"(?P<indent> {0,12})(?:(?P<heading>#{1,6})[ \t]+|(?P<bullet>[-*+])[ \t]+"
    r"|(?P<number>\d{1,4}[.)])[ \t]+|(?P<quote>>)[ \t]?)"
)
_RULE = re.compile(r" {0,3}([-*_])(?:[ \t]*\1){2,}[ \t]*")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_INLINE = re.compile(
    r"\\(?P<escaped>[\\`*_{}\[\]()#+.!~>-])"
    r"|(?P<ticks>`{1,3})(?P<code>[^`]+)(?P=ticks)"
    r"|\*\*\*(?P<both>\S(?:.*?\S)?)\*\*\*"
    r"|\*\*(?P<bold>\S(?:.*?\S)?)\*\*(?!\*)"
    r"|(?<!\w)__(?P<bold_>\S(?:.*?\S)?)__(?!\w)"
    r"|\*(?P<italic>[^\s*](?:[^*]*[^\s*])?)\*"
    r"|(?<!\w)_(?P<italic_>[^\s_](?:[^_]*[^\s_])?)_(?!\w)"
    r"|~~(?P<struck>\S(?:.*?\S)?)~~"
    r"|\[(?P<label>[^\[\]]+)\]\((?P<target>[^\s()]+)\)"
)
_PAIRED = re.compile(r"\*\*|`|~~")


@dataclass(frozen=True)
class Span:
    """Some characters and how they look: of bold, italic, code, struck, link."""

    text: str
    styles: tuple[str, ...] = ()


@dataclass(frozen=True)
class Piece:
    """One line. block: text, h1 to h3, item0 to item3, quote, code or rule.

    soft: the line goes on; the break is ours, and `after` is what stood in its place.
    """

    spans: tuple[Span, ...]
    block: str = "text"
    soft: bool = False
    after: str = ""

    @property
    def text(self) -> str:
        """Its characters."""
        return "".join(span.text for span in self.spans)


class Reader:
    """Takes an answer as it comes; gives out finished pieces and knows what is still open."""

    def __init__(self) -> None:
        self._open = ""
        self._fence: str | None = None
        self._going_on: str | None = None  # the block of a line that was parted

    @property
    def tail(self) -> str:
        """What has come and is not finished, as it stands."""
        return self._open

    def feed(self, text: str) -> list[Piece]:
        """More of the answer; what is finished by it."""
        self._open = (self._open + text).replace("\r\n", "\n")
        pieces: list[Piece] = []
        while True:
            line, found, rest = self._open.partition("\n")
            if found:
                self._open = rest
                pieces += self._line(line)
                continue
            place = None if self._fence else _break(self._open)
            if place is None:
                return pieces
            head, after, self._open = self._open[:place], self._open[place], self._open[place + 1 :]
            pieces += self._line(head, after)

    def finish(self) -> list[Piece]:
        """The answer is over: what was still open."""
        line, self._open = self._open.rstrip("\r"), ""
        return self._line(line) if line else []

    def _line(self, line: str, after: str = "") -> list[Piece]:
        """after: the space at which it was parted; the rest of the line follows."""
        if self._going_on is not None:
            block, self._going_on = self._going_on, self._going_on if after else None
            return [Piece(read_inline(line), block, bool(after), after)]
        fence = _FENCE.match(line)
        if self._fence is not None:
            if fence and fence[1].startswith(self._fence) and not line.strip("`~ \t"):
                self._fence = None
                return []
            return [Piece((Span(line),), "code")]
        if fence and not after and "`" not in line[fence.end() :]:
            self._fence = fence[1]
            return []
        if _RULE.fullmatch(line):
            return [Piece((Span("─" * 24),), "rule")]
        block, mark, words = _block(line)
        self._going_on = block if after else None
        spans = read_inline(words)
        return [Piece((Span(mark), *spans) if mark else spans, block, bool(after), after)]


def read_inline(text: str) -> tuple[Span, ...]:
    """The spans of one line."""
    return tuple(_inline(text, ()))


def _inline(text: str, styles: tuple[str, ...]) -> list[Span]:
    spans: list[Span] = []
    place = 0
    for match in _INLINE.finditer(text):
        if match.start() > place:
            spans.append(Span(text[place : match.start()], styles))
        spans += _marked(match, styles)
        place = match.end()
    if place < len(text):
        spans.append(Span(text[place:], styles))
    return spans


def _marked(match: re.Match[str], styles: tuple[str, ...]) -> list[Span]:
    kind = match.lastgroup or ""
    if kind == "escaped":
        return [Span(match["escaped"], styles)]
    if kind == "code":
        return [Span(match["code"], (*styles, "code"))]
    if kind == "target":
        label = _inline(match["label"], styles)
        same = match["label"] == match["target"]
        return label if same else [*label, Span(f" ({match['target']})", (*styles, "link"))]
    if kind == "both":
        return _inline(match["both"], (*styles, "bold", "italic"))
    return _inline(match[kind], (*styles, kind.rstrip("_")))


def _block(line: str) -> tuple[str, str, str]:
    """Block, what is shown before its words, and the words."""
    match = _BLOCK.match(line)
    if match is None:
        return "text", "", line
    words = line[match.end() :]
    if match["heading"]:
        return f"h{min(3, len(match['heading']))}", "", words.rstrip("# \t")
    if match["quote"]:
        return "quote", "", words
    depth = min(3, len(match["indent"]) // 2)
    return f"item{depth}", f"{match['number'] or '•'} ", words


def _break(line: str) -> int | None:
    """Where a line that has grown too long is parted: a space that is taken out."""
    if len(line) < _LONG:
        return None
    for match in _SENTENCE.finditer(line, _LONG // 2):
        # A bold run or a piece of code stays in one part.
        if all(line[: match.end()].count(mark) % 2 == 0 for mark in ("**", "`", "~~")):
            return match.end()
    if len(line) < _TOO_LONG:
        return None
    space = line.rfind(" ", _LONG, _TOO_LONG)
    return space if space > 0 else None
