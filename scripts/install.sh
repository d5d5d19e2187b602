#!/bin/sh
# Finds a Python and runs install.py with it; every option is passed on.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
for python in python3 python3.14 python3.13 python3.12 python3.11 python3.10 python; do
    if command -v "$python" >/dev/null 2>&1 &&
        "$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; then
        exec "$python" "$here/install.py" "$@"
    fi
done
case "${GALOSH_LANG:-${LC_ALL:-${LC_MESSAGES:-${LANG:-}}}}" in
ru*) echo "galosh нужен Python 3.10 или новее, а его нет. Debian, Ubuntu: sudo apt install python3 python3-venv; Fedora: sudo dnf install python3; macOS: brew install python" >&2 ;;
*) echo "galosh needs Python 3.10 or newer, and there is none. Debian, Ubuntu: sudo apt install python3 python3-venv; Fedora: sudo dnf install python3; macOS: brew install python" >&2 ;;
esac
exit 1
