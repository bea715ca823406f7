"""Files, bytes, Pillow images and arrays -> upright pixels.

Formats, EXIF orientation, transparency and the limits on size live here. What is too large, damaged or of an unknown
format is refused in one sentence, from its header where possible; pixels are not judged: that is `cleaning`. Read
first: `pictures.py`.
"""
