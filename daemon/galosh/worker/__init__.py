"""The worker: one process, one model, one pipe.

The only part of galosh that lets native code into its process. It reads requests from its
stdin and writes events to its original stdout (`frames`), and dies with its parent. It
imports nothing of galosh but this package, opens no socket and no file but the model, and
keeps no prompt anywhere but in the model's memory. Errors leave as a code and facts; the
daemon finds the words.

`python -I -m galosh.worker` runs it; other parts import `galosh.worker.frames` alone.
"""
