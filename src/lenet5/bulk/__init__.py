"""Very many images: streamed from folders, tar files and Parquet, in shards that a killed job need not do again.

run       the way in, `read`: plans a job once, hands out its shards, adds it up
plan      input -> shards, in an order that only the input decides
ledger    what is done, on disk; it alone knows
work      one shard done, here or on a cluster
answers   a shard -> its result, a Parquet file; `photos` is the narrow door for pictures of any size
batches   a shard -> the contents of its images; `tar`, `columns` (Parquet), `arrays` (IDX, NPY) know the formats
decode    contents -> pixels; `png` undoes the filters of thousands of small files together

A bad image is a row with an error. Nothing here is held in memory for all images, or for all shards. Needs
`pip install "lenet5-reproduced[bulk]"`. Read next: `docs/bulk.md`.
"""
