"""Models for other programs, and from them.

Out: `to_onnx.py` (a graph), `to_c.py` (two C99 files) and `to_safetensors.py` (plain weights); `write.py` joins them.
In: `foreign.py` reads the weights that others saved (`torch_file`, `pickled`, `npz_file`, `onnx_file`, `keras_file`,
`hdf5` and `archive` know the formats), `fit.py` finds what networks they fit (`layouts`, `normalized`), `race.py`
measures which one is meant, `adopt.py` makes a model of it. Nothing in a file that is read can run as code.
"""
