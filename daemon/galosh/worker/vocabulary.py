"""The model's vocabulary: text to tokens, tokens to bytes.

Owns the rule about markers: a control token's text typed by the user (`<|im_end|>`) is
plain text; only the template's own pieces may become control tokens.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from typing import Any

from galosh.worker.fault import WorkerFault

_UNKNOWN, _CONTROL = 1 << 0, 1 << 3
_PIECE_BYTES = 256
# Text longer than this many bytes per token of context is first counted in chunks, so that
# a hopeless 10 MB prompt is refused in a fraction of the ten seconds it takes to tokenize.
_SURE_BYTES_PER_TOKEN = 6
_CHUNK_BYTES = 32 * 1024
_UTF8_CONTINUATION = 0b1100_0000


class Vocabulary:
    """One model's vocabulary; valid as long as the model is."""

    def __init__(self, lib: Any, model: Any) -> None:
        self._lib = lib
        self._vocab = lib.llama_model_get_vocab(model)
        if not self._vocab:
            raise WorkerFault("worker-load-failed", reason="no vocabulary")
        self.size = int(lib.llama_vocab_n_tokens(self._vocab))
        if self.size <= 0:
            raise WorkerFault("worker-load-failed", reason="no vocabulary")
        bos = int(lib.llama_vocab_bos(self._vocab))
        self.bos = bos if 0 <= bos < self.size else None
        eos = int(lib.llama_vocab_eos(self._vocab))
        self.bos_text = self._text(bos)
        self.eos_text = self._text(eos)
        self.adds_bos = bool(lib.llama_vocab_get_add_bos(self._vocab))
        self.suppressed = self._suppressed()
        self.control_tokens = self._control_tokens()
        self.controls = self._control_texts()
        self.shown: dict[int, bytes] = {}
        self._pieces: dict[int, bytes] = {}
        self._ends: dict[int, bool] = {}
        self._buffer = ctypes.create_string_buffer(_PIECE_BYTES)

    @property
    def pointer(self) -> Any:
        """The native vocabulary."""
        return self._vocab

    @property
    def filling_marks(self) -> tuple[str, str, str] | None:
        """The texts of the tokens before the beginning, before the end and before what
        belongs between them; None for a model that cannot fill in."""
        lib = self._lib
        kinds = (lib.llama_vocab_fim_pre, lib.llama_vocab_fim_suf, lib.llama_vocab_fim_mid)
        marks = [self._text(int(kind(self._vocab))) for kind in kinds]
        return (marks[0], marks[1], marks[2]) if all(marks) else None

    def tokens(self, text: bytes, parse_special: bool) -> list[int]:
        """The tokens of UTF-8 `text`, without BOS; control texts count as such only with
        `parse_special`. Raises WorkerFault worker-tokenize-failed."""
        if not text:
            return []
        room = len(text) // 2 + 16
        for _ in range(2):
            array = (ctypes.c_int32 * room)()
            count = int(
                self._lib.llama_tokenize(
                    self._vocab, text, len(text), array, room, False, parse_special
                )
            )
            if count >= 0:
                return array[:count]
            room = -count
            if room > len(text) + 16:
                break
        raise WorkerFault("worker-tokenize-failed", size_bytes=len(text))

    def exceeds(self, text: bytes, limit_tokens: int, cancelled: Callable[[], bool]) -> int | None:
        """At least how many tokens `text` has, where that is surely above `limit_tokens`;
        None where it has to be tokenized to know (or `cancelled` said to stop)."""
        if len(text) <= limit_tokens * _SURE_BYTES_PER_TOKEN:
            return None
        counted, start = 0, 0
        while start < len(text) and not cancelled():
            end = min(start + _CHUNK_BYTES, len(text))
            while end < len(text) and text[end] & _UTF8_CONTINUATION == 0b1000_0000:
                end -= 1
            # A cut costs at most two tokens more than the uncut text has.
            counted += max(0, len(self.tokens(text[start:end], True)) - 2)
            if counted > limit_tokens:
                return counted
            start = end
        return None

    def show(self, marks: Sequence[str]) -> None:
        """Let these control tokens be text in answers: calls and thoughts are told by them."""
        for token in self.control_tokens:
            text = self._text(token)
            if text in marks:
                self.shown[token] = text.encode("utf-8")

    def piece(self, token: int) -> bytes:
        """The bytes of one token; none for a control token that is not `shown`."""
        found = self._pieces.get(token)
        if found is None:
            found = self.shown.get(token) or self._piece(token, False)
            self._pieces[token] = found
        return found

    def is_end(self, token: int) -> bool:
        """Whether `token` ends the answer."""
        found = self._ends.get(token)
        if found is None:
            found = bool(self._lib.llama_vocab_is_eog(self._vocab, token))
            self._ends[token] = found
        return found

    def text(self, tokens: Sequence[int]) -> str:
        """The text of tokens, control tokens shown; broken bytes are replaced."""
        joined = b"".join(self._piece(token, True) for token in tokens)
        return joined.decode("utf-8", "replace")

    def _piece(self, token: int, special: bool) -> bytes:
        convert = self._lib.llama_token_to_piece
        count = int(convert(self._vocab, token, self._buffer, _PIECE_BYTES, 0, special))
        if count >= 0:
            return self._buffer.raw[:count]
        longer = ctypes.create_string_buffer(-count)
        count = int(convert(self._vocab, token, longer, -count, 0, special))
        return longer.raw[: max(0, count)]

    def _text(self, token: int) -> str:
        if not 0 <= token < self.size:
            return ""
        return bytes(self._lib.llama_vocab_get_text(self._vocab, token)).decode("utf-8", "replace")

    def _suppressed(self) -> tuple[int, ...]:
        count = ctypes.c_int32(0)
        tokens = self._lib.llama_vocab_get_suppress_tokens(self._vocab, ctypes.byref(count))
        if not tokens or count.value <= 0:
            return ()
        return tuple(token for token in tokens[: count.value] if 0 <= token < self.size)

    def _control_tokens(self) -> tuple[int, ...]:
        attributes = self._lib.llama_vocab_get_attr
        vocab, wanted = self._vocab, _UNKNOWN | _CONTROL
        return tuple(t for t in range(self.size) if attributes(vocab, t) & wanted)

    def _control_texts(self) -> tuple[str, ...]:
        found = {self._text(token) for token in self.control_tokens}
        # Longest first, so that a marker inside a longer one is not taken apart.
        return tuple(sorted(filter(None, found), key=len, reverse=True))
