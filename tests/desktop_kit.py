"""A desktop for tests: a screen, a session bus, a window manager, panels, keys and pictures.

Real programs (Xvfb, dbus-daemon, openbox, xfce4-panel, trayer, dunst, xdotool), each in a
process group of its own that is ended with the test, whatever happens. Nothing of the machine's
own session is seen: HOME, the XDG folders, DISPLAY and the bus are the test's.

    with desktop(tmp_path) as here:          # screen + bus + openbox
        panel = here.panel()                 # xfce4-panel with a tray
        here.start("some", "program")        # sees this desktop only
        here.keys("ctrl+alt+space")
        assert here.pixel(10, 10) == (255, 0, 0)
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeVar

from tests.desktop_files import BARE_BUS, OPENBOX, PANEL

REPO = Path(__file__).parents[1]
ROOTS = ("core", "installer", "daemon", "tray", "presets")
_PATIENCE_SECONDS = 20.0
_PACKAGES = (
    "xvfb openbox xfce4-panel xfconf trayer dbus xdotool imagemagick xclip x11-utils"
    " x11-xserver-utils x11-xkb-utils python3-tk dunst desktop-file-utils"
)
_FOREIGN = (
    "DISPLAY",
    "WAYLAND_DISPLAY",
    "DBUS_SESSION_BUS_ADDRESS",
    "XAUTHORITY",
    "DESKTOP_SESSION",
)

Found = TypeVar("Found")
Process = subprocess.Popen[bytes]


def wait_for(
    look: Callable[[], Found], what: str, seconds: float = _PATIENCE_SECONDS, every: float = 0.02
) -> Found:
    """The first true thing `look` returns."""
    end = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < end, f"no {what} within {seconds:g} s"
        time.sleep(every)


@contextlib.contextmanager
def program(
    *command: str, environ: Mapping[str, str], log: Path | None = None, **options: Any
) -> Iterator[Process]:
    """A process in a group of its own; the whole group is ended afterwards."""
    assert shutil.which(command[0]), f"{command[0]} is missing: apt-get install {_PACKAGES}"
    with ExitStack() as files:
        sink: Any = files.enter_context(log.open("ab")) if log else subprocess.DEVNULL
        options = {"stdin": subprocess.DEVNULL, "stdout": sink, "stderr": sink, **options}
        process = subprocess.Popen(command, env=dict(environ), start_new_session=True, **options)
    try:
        yield process
    finally:
        end(process)


def end(process: Process) -> None:
    """End a process with its group: asked first, then killed."""
    for number, seconds in ((signal.SIGTERM, 3.0), (signal.SIGKILL, 10.0)):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
            break
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)  # children that stayed behind their leader
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()


@contextlib.contextmanager
def screen(environ: Mapping[str, str], size: tuple[int, int] = (1280, 800)) -> Iterator[str]:
    """An X server of its own; its DISPLAY. Root properties outlive the clients (-noreset)."""
    told, tell = os.pipe()
    wide, high = size
    command = ("Xvfb", "-displayfd", str(tell), "-screen", "0", f"{wide}x{high}x24",
               "-noreset", "-nolisten", "tcp")  # fmt: skip
    with os.fdopen(told, "rb") as line:
        try:
            running = program(*command, environ=environ, pass_fds=(tell,))
            with running:
                os.close(tell)
                tell = -1
                number = line.readline().strip().decode()
                assert number, "Xvfb did not start"
                yield f":{number}"
        finally:
            if tell >= 0:
                os.close(tell)


@contextlib.contextmanager
def bus(folder: Path, environ: Mapping[str, str], *, services: bool = False) -> Iterator[str]:
    """A session bus of its own; its address.

    services: whether it may start Debian's services by name. Without, what is not running is
    not there; with it, asking for notifications or the portal starts a real one.
    """
    config = folder / "bus.conf"
    config.write_text(BARE_BUS.format(folder=folder), encoding="utf-8")
    which = "--session" if services else f"--config-file={config}"
    command = ["dbus-daemon", which, "--nofork", "--print-address=1"]
    if services:
        command.append(f"--address=unix:dir={folder}")
    with program(*command, environ=environ, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        address = process.stdout.readline().strip().decode()
        assert address, "dbus-daemon did not start"
        yield address


class Desktop:
    """One running desktop. `environ` is what a program of its user would find."""

    def __init__(self, folder: Path, environ: dict[str, str], stack: ExitStack) -> None:
        self.folder = folder
        self.environ = environ
        self._stack = stack
        self._connection: Any = None

    @property
    def display(self) -> str:
        """The X display, like ":7"."""
        return self.environ["DISPLAY"]

    def start(self, *command: str, log: str = "programs.log", **options: Any) -> Process:
        """Run a program until the test ends (or `end(process)`); its output goes into `log`."""
        running = program(*command, environ=self.environ, log=self.folder / log, **options)
        return self._stack.enter_context(running)

    def python(self, *arguments: str, log: str = "programs.log", **options: Any) -> Process:
        """Run this Python, with galosh and the tests importable."""
        return self.start(sys.executable, *arguments, log=log, cwd=REPO, **options)

    def log(self, name: str = "programs.log") -> str:
        """What programs wrote."""
        path = self.folder / name
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def run(self, *command: str, **options: Any) -> str:
        """Run a program to its end; what it printed."""
        done = subprocess.run(command, env=self.environ, stdin=subprocess.DEVNULL, timeout=30,
                              capture_output=True, check=True, **options)  # fmt: skip
        return str(done.stdout, "utf-8", "replace")

    # -- what is on the screen

    def panel(self) -> Process:
        """xfce4-panel at the bottom left with a status tray; ready when its window is there.

        Needs a bus with services (its settings daemon is started by name).
        """
        place = Path(self.environ["XDG_CONFIG_HOME"]) / "xfce4/xfconf/xfce-perchannel-xml"
        place.mkdir(parents=True, exist_ok=True)
        file = place / "xfce4-panel.xml"
        if not file.exists():  # xfconfd owns it once it runs
            file.write_text(PANEL, encoding="utf-8")
        process = self.start("xfce4-panel", "--disable-wm-check", log="panel.log")
        wait_for(lambda: self.windows("--class", "xfce4-panel"), "panel")
        return process

    def trayer(self) -> Process:
        """A tray of the old kind (XEmbed) at the bottom left."""
        process = self.start("trayer", "--edge", "bottom", "--align", "left", "--widthtype",
                             "pixel", "--width", "200", "--height", "32",
                             "--SetDockType", "false", log="trayer.log")  # fmt: skip
        wait_for(lambda: self.windows("--class", "trayer"), "trayer")
        return process

    def dunst(self, *, markup: bool = False) -> Process:
        """A notification server; what it shows is in its history (`dunstctl history`).

        markup: whether it reads tags in a body, as the servers of GNOME, KDE and XFCE do.
        """
        config = self.folder / "dunst.conf"
        config.write_text(f"[global]\nmarkup = {'full' if markup else 'no'}\n", encoding="utf-8")
        process = self.start("dunst", "-conf", str(config), log="dunst.log")
        wait_for(lambda: self.owns("org.freedesktop.Notifications"), "notification server")
        return process

    def owns(self, name: str) -> bool:
        """Whether anybody has this name on the bus."""
        answer = self.run(
            "dbus-send", "--session", "--print-reply", "--dest=org.freedesktop.DBus", "/",
            "org.freedesktop.DBus.NameHasOwner", f"string:{name}",
        )  # fmt: skip
        return "boolean true" in answer

    def windows(self, *search: str) -> list[str]:
        """Ids of visible windows: ("--class", "X"), ("--name", "X") …"""
        command = ("xdotool", "search", "--onlyvisible", *search)
        done = subprocess.run(command, env=self.environ, capture_output=True, timeout=30)
        return done.stdout.decode().split()

    def wait_window(self, *search: str, seconds: float = _PATIENCE_SECONDS) -> str:
        """The id of a window, as soon as it is visible."""
        return wait_for(lambda: self.windows(*search), f"window {search}", seconds)[0]

    def focused(self) -> str:
        """The id of the window that has the keyboard, "" for none."""
        command = ("xdotool", "getwindowfocus")
        done = subprocess.run(command, env=self.environ, capture_output=True, timeout=30)
        return done.stdout.decode().strip()

    def screenshot(self, path: Path, window: str = "root") -> Path:
        """A picture (PNG) of the screen or one window."""
        self.run("import", "-silent", "-window", window, str(path))
        return path

    def pixel(self, x: int, y: int) -> tuple[int, int, int]:
        """The colour of one point of the screen, in well under a millisecond."""
        from Xlib import X

        root = self.connection().screen().root
        data: Any = root.get_image(x, y, 1, 1, X.ZPixmap, 0xFFFFFFFF).data
        blue, green, red = bytes(data)[:3]
        return red, green, blue

    def connection(self) -> Any:
        """A connection to the X server, for the test's own thread."""
        if self._connection is None:
            from Xlib.display import Display

            self._connection = Display(self.display)
            self._stack.callback(self._connection.close)
        return self._connection

    # -- what the user does

    def xdo(self, *arguments: str) -> str:
        """xdotool."""
        return self.run("xdotool", *arguments)

    def keys(self, *chords: str) -> None:
        """Press keys: "ctrl+alt+space", "Return" …"""
        self.xdo("key", *chords)

    def type(self, text: str) -> None:
        """Type a text into the focused window."""
        self.xdo("type", "--delay", "15", text)

    def click(self, x: int, y: int, button: int = 1) -> None:
        """Click somewhere (3: the right button)."""
        self.xdo("mousemove", str(x), str(y), "click", str(button))

    def layout(self, layouts: str, *options: str) -> None:
        """Keyboard layouts: "us", "us,ru" …"""
        self.run("setxkbmap", "-layout", layouts, *options)


@contextlib.contextmanager
def desktop(
    folder: Path,
    *,
    size: tuple[int, int] = (1280, 800),
    window_manager: bool = True,
    with_bus: bool = True,
    services: bool = False,
) -> Iterator[Desktop]:
    """A screen, a bus and openbox, all of it gone afterwards."""
    environ = home_environ(folder)
    with ExitStack() as stack:
        environ["DISPLAY"] = stack.enter_context(screen(environ, size))
        if with_bus:
            address = stack.enter_context(bus(folder, environ, services=services))
            environ["DBUS_SESSION_BUS_ADDRESS"] = address
        here = Desktop(folder, environ, stack)
        if window_manager:
            config = folder / "openbox.xml"
            config.write_text(OPENBOX, encoding="utf-8")
            here.start("openbox", "--config-file", str(config), "--sm-disable", log="openbox.log")
            wait_for(lambda: "window id" in here.run("xprop", "-root", "_NET_SUPPORTING_WM_CHECK"),
                     "window manager")  # fmt: skip
        yield here


def home_environ(folder: Path) -> dict[str, str]:
    """The environment of a user whose folders are all in `folder`, at no screen and on no bus."""
    environ = {name: text for name, text in os.environ.items() if name not in _FOREIGN}
    for name, place in {
        "HOME": "home",
        "XDG_CONFIG_HOME": "home/.config",
        "XDG_DATA_HOME": "home/.local/share",
        "XDG_CACHE_HOME": "home/.cache",
        "XDG_STATE_HOME": "home/.local/state",
        "XDG_RUNTIME_DIR": "run",
        "GALOSH_HOME": "galosh",
    }.items():
        path = folder / place
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        environ[name] = str(path)
    paths = [str(REPO / root) for root in ROOTS] + [str(REPO)]
    environ["PYTHONPATH"] = os.pathsep.join(paths)
    environ["XDG_SESSION_TYPE"] = "x11"
    environ["NO_AT_BRIDGE"] = "1"  # GTK programs would start the accessibility bus
    return environ
