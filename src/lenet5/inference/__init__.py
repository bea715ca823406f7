"""Inference: predictions of a model or an ensemble, and their evaluation on a data set.

Weights are never changed here, and images are not searched for digits; that is `reading/`. Read first: `predictor.py`,
then `evaluation.py`.
"""
