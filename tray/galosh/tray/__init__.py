"""The desktop's end of galosh: icon, menu, notifications, and the parts it starts.

Owns the icon and what hangs from it. Holds no truth: it follows the daemon's event stream.
Must never load a model, read a notebook, or talk to anything but the daemon and the desktop.
"""
