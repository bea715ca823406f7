"""Engines, which compute: `numpy/` to be read, `native/` to be fast, `torch/` for GPUs, behind one interface.

An engine knows nothing of recipes, files or data sets, and prints nothing. What must be the same for all of them, such
as initial weights and dropout masks, is computed here once. Read first: `contract.py`, then `numpy/network.py`.
"""
