"""The C++ engine: each vector lane holds one image of a block. The sources are in `native/`."""
