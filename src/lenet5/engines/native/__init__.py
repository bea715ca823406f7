"""The engine in C++: all images of a block in the lanes of the processor's vectors. The sources are in `native/`."""
