"""Training: the loop over epochs and batches, its checkpoints, its history and the run folder.

Everything here works with any engine, through `engines/contract.py`; forward and backward passes are there. Results are
recorded, not judged: `reports/` compares them with published numbers. Read first: `trainer.py`, then `run.py`.
"""
