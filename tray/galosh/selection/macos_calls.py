"""macOS' own functions behind `macos.Calls`, through ctypes. Not verified on macOS."""

from __future__ import annotations

import sys

if sys.platform == "darwin":
    import ctypes
    from collections.abc import Iterator
    from contextlib import contextmanager
    from ctypes import c_bool, c_double, c_long, c_uint16, c_uint64, c_ulong, c_void_p
    from typing import Any

    from galosh.selection.macos import Items
    from galosh.selection.values import Screen

    _FRAMEWORKS = "/System/Library/Frameworks"
    _UTF8 = 0x08000100
    _COMMAND = c_uint64(1 << 20)

    class _Rect(ctypes.Structure):
        _fields_ = (("x", c_double), ("y", c_double), ("width", c_double), ("height", c_double))

    class _ObjC:
        """Messages to Objective-C objects."""

        def __init__(self) -> None:
            ctypes.CDLL(f"{_FRAMEWORKS}/AppKit.framework/AppKit")
            self._library = library = ctypes.CDLL("/usr/lib/libobjc.dylib")
            library.objc_getClass.restype = library.sel_registerName.restype = c_void_p
            library.objc_autoreleasePoolPush.restype = c_void_p

        def of(self, name: str) -> c_void_p:
            """A class."""
            return c_void_p(self._library.objc_getClass(name.encode()))

        def send(
            self, to: Any, selector: str, *values: Any, result: Any = c_void_p, kinds: Any = None
        ) -> Any:
            """Send a message; kinds: the C types of the values, pointers if not given."""
            kinds = kinds or [c_void_p] * len(values)
            call = ctypes.CFUNCTYPE(result, c_void_p, c_void_p, *kinds)(
                ctypes.cast(self._library.objc_msgSend, c_void_p).value or 0
            )
            return call(to, self._library.sel_registerName(selector.encode()), *values)

        def text(self, string: Any) -> str:
            """An NSString."""
            data = self.send(string, "UTF8String", result=ctypes.c_char_p) if string else None
            return (data or b"").decode("utf-8", "replace")

        def string(self, text: str) -> Any:
            """An NSString of a text."""
            return self.send(self.of("NSString"), "stringWithUTF8String:", text.encode(),
                             kinds=[ctypes.c_char_p])  # fmt: skip

        def each(self, array: Any) -> Iterator[Any]:
            """The members of an NSArray."""
            for index in range(self.send(array, "count", result=c_ulong) if array else 0):
                yield self.send(array, "objectAtIndex:", index, kinds=[c_ulong])

        @contextmanager
        def pool(self) -> Iterator[None]:
            """What is made inside is let go of afterwards."""
            pool = c_void_p(self._library.objc_autoreleasePoolPush())
            try:
                yield
            finally:
                self._library.objc_autoreleasePoolPop(pool)

    class AppKit:
        """See macos.Calls."""

        def __init__(self) -> None:
            self._objc = _ObjC()
            services = f"{_FRAMEWORKS}/ApplicationServices.framework/ApplicationServices"
            self._services = services_ = ctypes.CDLL(services)
            services_.AXIsProcessTrusted.restype = c_bool
            for name in ("AXUIElementCreateSystemWide", "CGEventCreateKeyboardEvent",
                         "CFStringCreateWithCString"):  # fmt: skip
                getattr(services_, name).restype = c_void_p
            services_.CFStringGetTypeID.restype = services_.CFGetTypeID.restype = c_ulong

        def is_trusted(self) -> bool:
            """See macos.Calls."""
            return bool(self._services.AXIsProcessTrusted())

        def front(self) -> int:
            """See macos.Calls."""
            objc = self._objc
            with objc.pool():
                space = objc.send(objc.of("NSWorkspace"), "sharedWorkspace")
                program = objc.send(space, "frontmostApplication")
                if not program:
                    return 0
                return int(objc.send(program, "processIdentifier", result=ctypes.c_int32))

        def bring_front(self, process: int) -> None:
            """See macos.Calls."""
            objc = self._objc
            with objc.pool():
                kind = objc.of("NSRunningApplication")
                selector = "runningApplicationWithProcessIdentifier:"
                program = objc.send(kind, selector, process, kinds=[ctypes.c_int32])
                if program:
                    # NSApplicationActivateIgnoringOtherApps
                    objc.send(program, "activateWithOptions:", 2, result=c_bool, kinds=[c_ulong])

        def focused(self) -> tuple[str | None, bool]:
            """See macos.Calls."""
            whole = c_void_p(self._services.AXUIElementCreateSystemWide())
            element = self._attribute(whole, "AXFocusedUIElement")
            self._services.CFRelease(whole)
            if not element:
                return None, False
            subrole = self._text_attribute(element, "AXSubrole")
            text = self._text_attribute(element, "AXSelectedText")
            self._services.CFRelease(element)
            return text, subrole == "AXSecureTextField"

        def changes(self) -> int:
            """See macos.Calls."""
            with self._objc.pool():
                return int(self._objc.send(self._board(), "changeCount", result=c_long))

        def read(self) -> Items:
            """See macos.Calls."""
            objc = self._objc
            found: list[dict[str, bytes]] = []
            with objc.pool():
                for item in objc.each(objc.send(self._board(), "pasteboardItems")):
                    held: dict[str, bytes] = {}
                    for kind in objc.each(objc.send(item, "types")):
                        data = objc.send(item, "dataForType:", kind)
                        if data:
                            size = objc.send(data, "length", result=c_ulong)
                            place = objc.send(data, "bytes")
                            held[objc.text(kind)] = ctypes.string_at(place, size) if size else b""
                    found.append(held)
            return found

        def write(self, items: Items) -> bool:
            """See macos.Calls."""
            objc = self._objc
            with objc.pool():
                board = self._board()
                objc.send(board, "clearContents", result=c_long)
                array = objc.send(objc.of("NSMutableArray"), "array")
                for held in items:
                    item = objc.send(objc.send(objc.of("NSPasteboardItem"), "alloc"), "init")
                    item = objc.send(item, "autorelease")
                    for kind, data in held.items():
                        value = objc.send(objc.of("NSData"), "dataWithBytes:length:", data,
                                          len(data), kinds=[ctypes.c_char_p, c_ulong])  # fmt: skip
                        objc.send(item, "setData:forType:", value, objc.string(kind), result=c_bool)
                    objc.send(array, "addObject:", item, result=None)
                return bool(objc.send(board, "writeObjects:", array, result=c_bool)) or not items

        def press(self, key: int) -> None:
            """See macos.Calls."""
            for down in (True, False):
                event = c_void_p(
                    self._services.CGEventCreateKeyboardEvent(None, c_uint16(key), c_bool(down))
                )
                self._services.CGEventSetFlags(event, _COMMAND)
                self._services.CGEventPost(0, event)
                self._services.CFRelease(event)

        def screen(self) -> Screen | None:
            """See macos.Calls; AppKit counts from the bottom of the first screen."""
            objc = self._objc
            with objc.pool():
                kind = objc.of("NSScreen")
                main = objc.send(kind, "mainScreen")
                first = next(objc.each(objc.send(kind, "screens")), None)
                if not main or not first:
                    return None
                place, top = self._frame(main), self._frame(first).height
                return (int(place.x), int(top - place.y - place.height), int(place.width),
                        int(place.height))  # fmt: skip

        def _frame(self, screen: Any) -> _Rect:
            """Big structures are returned through a pointer on Intel, in registers on ARM."""
            import platform

            if platform.machine() == "arm64":
                frame: _Rect = self._objc.send(screen, "frame", result=_Rect)
                return frame
            frame, library = _Rect(), self._objc._library
            selector = c_void_p(library.sel_registerName(b"frame"))
            library.objc_msgSend_stret(ctypes.byref(frame), c_void_p(screen), selector)
            return frame

        def _board(self) -> Any:
            return self._objc.send(self._objc.of("NSPasteboard"), "generalPasteboard")

        def _attribute(self, element: c_void_p, name: str) -> c_void_p:
            """An attribute of a screen element, to be released; empty when it has none."""
            key = c_void_p(self._services.CFStringCreateWithCString(None, name.encode(), _UTF8))
            value = c_void_p()
            self._services.AXUIElementCopyAttributeValue(element, key, ctypes.byref(value))
            self._services.CFRelease(key)
            return value

        def _text_attribute(self, element: c_void_p, name: str) -> str | None:
            value = self._attribute(element, name)
            if not value:
                return None
            is_text = self._services.CFGetTypeID(value) == self._services.CFStringGetTypeID()
            text = self._objc.text(value) if is_text else None
            self._services.CFRelease(value)
            return text
