"""Export and import of models.

Export: `to_onnx.py` (a graph), `to_c.py` (two C99 files) and `to_safetensors.py` (plain weights), called by `write.py`.
Import: `read_weights.py` reads weights saved by other programs (`torch_file`, `pickled`, `npz_file`, `onnx_file`,
`keras_file`, `hdf5` and `archive` implement the formats), `match_shapes.py` determines the networks that they fit
(`layouts`, `normalized`), `select_by_accuracy.py` selects one of them, `import_model.py` builds the model. No code in
an imported file is executed.
"""
