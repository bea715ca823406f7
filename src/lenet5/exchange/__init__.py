"""Export and import of models.

Export: `to_onnx.py` (a graph), `to_c.py` (two C99 files) and `to_safetensors.py` (plain weights), called by `write.py`.
Import: `foreign.py` reads weights saved by other programs (`torch_file`, `pickled`, `npz_file`, `onnx_file`,
`keras_file`, `hdf5` and `archive` implement the formats), `fit.py` determines the networks that they fit (`layouts`,
`normalized`), `race.py` selects one by accuracy, `adopt.py` builds the model. No code in an imported file is executed.
"""
