"""Data sets: from a mirror or a folder to the inputs of a network.

    sources   which sets there are: files, digests, mirrors, licence
    fetch     find, verify and download the files
    idx       read and write the IDX format
    datasets  load("mnist", "test") -> images and labels
    prepare   images -> inputs, as a Preparation says
    augment   mirrored images
    distort   distorted copies of images
    batches   the order of an epoch, its batches, and the place to resume

Nothing here knows of networks, engines or runs. Read `datasets.py` first.
"""
