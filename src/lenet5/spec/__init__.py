"""Specifications: layers, architectures, preparations, losses, optimizers, recipes and claims, as frozen values.

Each is validated when it is made, and can be written as TOML. No arrays, no images and no arithmetic on weights are
here: `engines/` computes what a specification says. Read first: `layers.py`, then `recipe.py`.
"""
