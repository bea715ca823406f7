"""LeNet-5 in PyTorch: the same numbers as the NumPy engine, faster, and on a GPU where there is one.

The gradients come from PyTorch's own differentiation, so the two engines check each other. Everything that is
trained lies in one flat tensor, whose views are the named weights: an update is a few operations however many
layers there are. On CUDA one whole training step is captured as a graph and replayed.

Read next: `network.py`, whose `_step` is the whole of training; `layers.py`; `optimizers.py`.
"""
