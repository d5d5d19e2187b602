"""Linux's Landlock: the calling thread gives up files, programs and networks for good.

Owns the three system calls and their constants, nothing of what is to be allowed. The rules
hold for the calling thread and all it starts; they can be made tighter later, never wider.
What the kernel does not know is left out, as its interface asks: an older kernel protects
against less, one without Landlock against nothing, and the caller is told.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import stat
import sys
from collections.abc import Iterable

assert sys.platform != "win32"

_CREATE, _ADD, _RESTRICT = 444, 445, 446  # the same numbers on all of Linux's processors
_VERSION, _PATH_BENEATH = 1, 1
_NO_NEW_PRIVILEGES = 38  # prctl
_PATH_ONLY = 0o10000000  # os.O_PATH, which the stubs of other systems lack

_WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 1, 1 << 2, 1 << 3
_REMOVE_FILE, _MAKE_REG = 1 << 5, 1 << 8
_TRUNCATE = 1 << 14
_FILE_RIGHTS = _WRITE_FILE | _READ_FILE | _TRUNCATE
# Rights over files that exist since interface 1, 2, 3, 5; denied where nothing below allows them.
_RIGHTS_SINCE = {1: (1 << 13) - 1, 2: 1 << 13, 3: _TRUNCATE, 5: 1 << 15}
_TCP = 0b11  # since 4: bind, connect
_SCOPED = 0b11  # since 6: abstract Unix sockets, signals to others
_READ = _READ_FILE | _READ_DIR
_WRITE = _READ | _WRITE_FILE | _REMOVE_FILE | _MAKE_REG | _TRUNCATE


class _Ruleset(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _PathRule(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("rights", ctypes.c_uint64), ("descriptor", ctypes.c_int32))


def version() -> int:
    """The kernel's interface of Landlock; 0 where there is none."""
    return max(0, int(_libc().syscall(_CREATE, None, ctypes.c_size_t(0), _VERSION)))


def restrict(read: Iterable[str], write: Iterable[str]) -> int:
    """From now on this thread reads only below `read`, reads and writes files only below
    `write` (folders), starts no program, and opens no TCP connection. Paths that do not exist
    are passed over. Returns the interface in use; 0: nothing was done. Raises OSError."""
    interface = version()
    if not interface:
        return 0
    handled = sum(bits for since, bits in _RIGHTS_SINCE.items() if since <= interface)
    rules = _Ruleset(handled, _TCP if interface >= 4 else 0, _SCOPED if interface >= 6 else 0)
    size = 8 if interface < 4 else 16 if interface < 6 else 24
    ruleset = _checked(_libc().syscall(_CREATE, ctypes.byref(rules), ctypes.c_size_t(size), 0))
    try:
        for paths, rights in ((read, _READ), (write, _WRITE)):
            for path in paths:
                _allow(ruleset, path, rights & handled)
        _checked(_libc().prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0))
        _checked(_libc().syscall(_RESTRICT, ruleset, 0))
    finally:
        os.close(ruleset)
    return interface


def _allow(ruleset: int, path: str, rights: int) -> None:
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        descriptor = os.open(path, _PATH_ONLY | os.O_CLOEXEC)
        try:
            if not stat.S_ISDIR(os.fstat(descriptor).st_mode):
                rights &= _FILE_RIGHTS
            rule = _PathRule(rights, descriptor)
            _checked(_libc().syscall(_ADD, ruleset, _PATH_BENEATH, ctypes.byref(rule), 0))
        finally:
            os.close(descriptor)


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
