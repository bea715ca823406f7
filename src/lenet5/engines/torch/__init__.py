"""LeNet-5 in PyTorch: the same numbers as the NumPy engine, faster, and on a GPU where there is one.

The gradients come from PyTorch's own differentiation, so the two engines check each other. Every tensor begins with
the axis of the networks: any number of them can be trained side by side, and a network alone is one of one. All that
is trained lies in one tensor, whose views are the named weights: an update is a few operations however many layers
there are. On CUDA several training steps are captured as one graph and replayed.

Read next: `stack.py`, whose `_step` is the whole of training; `layers.py`; `optimizers.py`.
"""
