"""Pixels -> a level mask of ink, freed of shadows, ruling and hairlines.

Grey in linear light, the paper's light and polarity, binarization, deskewing and the removal of ruled lines, each a
function of arrays. What a piece of ink means is not decided here: that is `segmentation`. Read first: `paper_light.py`,
then `binarization.py`.
"""
