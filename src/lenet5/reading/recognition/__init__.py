"""Pieces of ink -> digits with probabilities: MNIST form, the network, and what weighs its answers.

Three methods share one signature (`decode.py` chooses): each piece alone, the lattice of cuts, and the space
displacement network. Boxes, ink and lines are taken as `segmentation` gives them, and no weight is changed. Read first:
`by_piece.py`, then `lattice.py`.
"""
