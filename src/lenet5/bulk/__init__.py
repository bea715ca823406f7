"""Bulk classification: millions of images streamed from folders, tar and Parquet files, in resumable shards.

run       the entry point, `read`: plans a job once, hands out its shards, and writes the totals
plan      input -> shards, in an order that depends only on the input
ledger    the state of a job, all of it on disk
work      processing of one shard, on this machine or on a cluster
answers   a shard -> its result, a Parquet file; `photos` does the same for pictures of any size
batches   a shard -> the contents of its images; `tar`, `columns` (Parquet) and `arrays` (IDX, NPY) read the formats
decode    contents -> pixels; `png` decodes thousands of small files together

A bad image becomes a row with an error. Memory use does not grow with the number of images or shards. Needs
`pip install "lenet5-reproduced[bulk]"`. Read next: `docs/bulk.md`.
"""
