"""Models for other programs, and from them.

Out: `to_onnx.py` (a graph), `to_c.py` (two C99 files) and `to_safetensors.py` (plain weights); `write.py` joins them.
In: `foreign.py` reads the weights that others saved, `fit.py` finds what networks they fit, `race.py` measures which
one is meant, `adopt.py` makes a model of it. Nothing in a file that is read can run as code.
"""
