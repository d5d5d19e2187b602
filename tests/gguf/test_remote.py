"""A remote header costs few requests and few bytes."""

from __future__ import annotations

import pytest

from galosh.base.errors import GaloshError
from galosh.gguf import RangeSource, read_header
from galosh.gguf.remote import WINDOW_ENDS_BYTES
from galosh.gguf.source import BytesSource
from tests.fakes.gguf_writer import Model, Tensor

MIB = 1 << 20


class Server:
    """Serves bytes and notes what was asked."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.asked: list[tuple[int, int]] = []

    def fetch(self, offset: int, length: int) -> bytes:
        self.asked.append((offset, length))
        return self.data[offset : offset + length]


def model_with_header_of(size_bytes: int) -> Model:
    words = [f"{i:0990d}" for i in range(size_bytes // 1000)]
    return Model(
        {"general.architecture": "llama", "tokenizer.ggml.tokens": words},
        [Tensor("a", (1 << 20,))],
    )


@pytest.mark.parametrize(
    ("header_bytes", "requests"), [(100_000, 1), (2_000_000, 1), (6_500_000, 2), (12 * MIB, 3)]
)
def test_windows_grow_and_no_byte_is_asked_twice(header_bytes: int, requests: int) -> None:
    data = model_with_header_of(header_bytes).to_bytes() + bytes(20 * MIB)
    server = Server(data)
    source = RangeSource(server.fetch, len(data), "https://hub/model.gguf")
    assert read_header(source) == read_header(BytesSource(data))
    assert len(server.asked) == requests
    assert server.asked[0] == (0, 2 * MIB)
    ends = [offset + length for offset, length in server.asked]
    assert [offset for offset, _ in server.asked] == [0, *ends[:-1]]
    assert source.fetched_bytes == WINDOW_ENDS_BYTES[requests - 1]
    assert source.prefix == data[: source.fetched_bytes]
    if header_bytes < 7_000_000:
        assert source.fetched_bytes < 8 * MIB


def test_never_past_the_end_of_a_small_file() -> None:
    data = model_with_header_of(5000).to_bytes()[:9000]
    server = Server(data)
    read_header(RangeSource(server.fetch, len(data), "x"))
    assert server.asked == [(0, 9000)]


def test_unknown_length_and_short_file_is_truncated() -> None:
    data = model_with_header_of(50_000).to_bytes()[:40_000]
    source = RangeSource(Server(data).fetch, None, "x")
    with pytest.raises(GaloshError) as caught:
        read_header(source)
    assert caught.value.code == "gguf-truncated"
    assert source.size_bytes == 40_000


def test_a_header_without_end_stops_at_the_last_window() -> None:
    endless = model_with_header_of(1000).header()[:16] + (65_536).to_bytes(8, "little")
    entry = b"\x08\0\0\0\0\0\0\0%08d\x08\0\0\0" + (8_000_000).to_bytes(8, "little")
    asked: list[int] = []

    def fetch(offset: int, length: int) -> bytes:
        asked.append(length)
        if offset == 0:
            return (endless + entry % 0).ljust(length, b"\1")
        return b"\1" * length

    source = RangeSource(fetch, None, "x")
    with pytest.raises(GaloshError) as caught:
        read_header(source)
    assert caught.value.code == "gguf-damaged"
    assert sum(asked) <= 64 * MIB
    while source.fetched_bytes < 64 * MIB:
        source.read(source.fetched_bytes, 1)
    with pytest.raises(GaloshError):
        source.read(source.fetched_bytes, 1)


def test_the_servers_error_passes_through() -> None:
    def fetch(offset: int, length: int) -> bytes:
        raise GaloshError("gguf-not-found", path="x")

    with pytest.raises(GaloshError) as caught:
        read_header(RangeSource(fetch, None, "x"))
    assert caught.value.code == "gguf-not-found"
