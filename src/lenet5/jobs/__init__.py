"""Jobs of many tasks: worker processes, a Dask cluster, and the loop that hands out tasks and retries them.

Studies and bulk jobs share this room; it knows neither units nor shards, and keeps nothing on disk: what is done is
known to the callers' ledgers. Read first: `executor.py`, then `loop.py`.
"""
