"""LeNet-5 in PyTorch: the same numbers as the NumPy engine, faster, and on a GPU where there is one.

The gradients come from PyTorch's automatic differentiation, so the two engines check each other. The first axis of
every tensor counts networks: any number of them can be trained side by side, and a single network has M = 1. All
trainable numbers lie in one flat tensor, and the named weights are views of it, so an update takes a few operations
whatever the number of layers. On CUDA several training steps are captured as one graph and replayed.

Read next: `stack.py`, whose `_step` is one complete training step; `layers.py`; `optimizers.py`.
"""
