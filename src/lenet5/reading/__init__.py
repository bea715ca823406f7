"""From a photograph to digits and numbers, in four rooms: opening, cleaning, segmentation, recognition.

`pipeline.py` is the chain from a picture to pieces of ink, `reader.py` the entry, `page.py` the result. The rooms
import only those before them. Nothing here trains or downloads, and a picture that is too large is refused before it is
decoded. Read first: `reader.py`, then `docs/reading.md`.
"""
