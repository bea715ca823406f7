"""The command line: one file for each command, which parses options, calls the package and prints.

No result is computed here: what a command does, Python can do through `lenet5.api` or the package's other rooms. A
command is imported when it is called. Read first: `main.py`, then `train.py`.
"""
