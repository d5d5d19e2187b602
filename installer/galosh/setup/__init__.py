"""The guided setup, the doctor, and leaving.

`run_setup` shows what this PC is and what will be done, asks once, and goes through the
steps (steps.py): the starter model, an engine proven on this processor, the daemon, a first
real answer. It drives a Delegate (view.py) and knows no terminal; terminal.py is one.
`examine` is the doctor; `plan_leaving` and `leave` take galosh off the PC again.

Import what you need from the modules: a command pays only for what it uses.
"""
