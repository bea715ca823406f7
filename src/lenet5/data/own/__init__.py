"""A user's own labelled images, in the layouts that people have them in.

contents   the images and labels as they came
pictures   a folder for each class; picture files
arrays     IDX, NPY and NPZ
columns    CSV: labels beside pixels, or beside the names of picture files
parquet    Parquet as Hugging Face writes it
layouts    which of these a path holds
form       any size and polarity -> 28x28 with bright ink
dataset    the parts, split by a fixed rule where they are not given; the description
"""
