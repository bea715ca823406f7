"""Very many images: streamed from folders, tar files and Parquet, in shards that a killed job need not do again."""
