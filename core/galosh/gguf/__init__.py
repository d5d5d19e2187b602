"""GGUF: what a model file is, what its header says, and whether it is safe to load.

`identify` tells a file's kind from its first bytes; `read_header` reads the header from
any `ByteSource` (a file, memory, `RangeSource` over HTTP); `check_file` checks a file on
disk whole. Hostile input ends in a GaloshError and nothing else.
"""

from galosh.gguf.header import Header, TensorInfo
from galosh.gguf.kind import FileKind, identify
from galosh.gguf.local import FileSource, check_file, open_file
from galosh.gguf.reader import read_header
from galosh.gguf.remote import RangeSource
from galosh.gguf.source import ByteSource

__all__ = [
    "ByteSource",
    "FileKind",
    "FileSource",
    "Header",
    "RangeSource",
    "TensorInfo",
    "check_file",
    "identify",
    "open_file",
    "read_header",
]
