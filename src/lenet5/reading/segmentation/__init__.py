"""A mask of ink -> connected pieces, lines, numbers, and the candidate cuts between touching digits.

Decisions here rest on shape and place alone; no network is asked, so a doubtful cut is kept as a candidate for
`recognition` to weigh. Read first: `pieces.py`, then `layout.py` and `cuts.py`.
"""
