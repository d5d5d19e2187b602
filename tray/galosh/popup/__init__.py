"""The quick prompt: a small window, in a process of its own, hidden until it is asked for.

`python -m galosh.popup` is a child of the tray. They speak in JSON lines (`lines`); everything
else the window needs it asks of the daemon (`talk`), never of the system: no selection is read
and no key is sent from here. What was typed is written nowhere but to the user's own history
(`keep`), and never logged.
"""
