import numpy as np

from lenet5.reading.segmentation.cuts import parts, seams, slices, span
from lenet5.reading.segmentation.pieces import Piece


def two_bars(joint: slice) -> Piece:
    """Two bars 40 high and 8 wide, 8 columns apart, joined by a bridge in some rows."""
    mask = np.zeros((40, 24), bool)
    mask[:, :8] = mask[:, 16:] = True
    mask[joint] = True
    return Piece(100, 140, 50, 74, mask)


def test_a_joint_is_cut_where_it_is_thinnest() -> None:
    piece = two_bars(slice(18, 22))
    cut, inks = slices(piece, 40.0)
    assert min(inks[1:]) == 4 / 40  # the bridge's four rows
    assert min(each.area for each in cut) >= 300  # of each bar's 320 pixels


def test_slices_share_out_all_the_ink() -> None:
    piece = two_bars(slice(0, 5))
    cut, _ = slices(piece, 40.0)
    assert len(cut) > 1
    assert sum(each.area for each in cut) == piece.area
    whole = span(parts([piece], 40.0))
    assert (whole.top, whole.bottom, whole.left, whole.right) == (100, 140, 50, 74)
    assert np.array_equal(whole.mask, piece.mask)


def test_a_seam_goes_around_what_hangs_over() -> None:
    # The left bar's arm reaches over the right bar, never touching it but at the foot.
    mask = np.zeros((60, 40), bool)
    mask[:, :6] = mask[:6, :30] = mask[20:, 20:26] = mask[56:, :26] = True
    best = min(mask[np.arange(60), np.minimum(way, 39)].sum() for way in seams(mask, 60.0))
    assert best <= 10  # the arm's six rows and the foot's four: no bar is split


def test_a_narrow_piece_is_left_whole() -> None:
    piece = Piece(0, 40, 0, 8, np.ones((40, 8), bool))
    assert len(slices(piece, 40.0)[0]) == 1


def test_a_solid_block_offers_no_cut() -> None:
    assert seams(np.ones((40, 40), bool), 40.0) == []


def test_the_gap_between_pieces_is_known_and_cuts_have_none() -> None:
    one = two_bars(slice(18, 22))
    other = Piece(100, 140, 84, 92, np.ones((40, 8), bool))
    made = parts([one, other], 40.0)
    assert [part.gap for part in made[:-1]] == [None] * (len(made) - 1)
    assert made[-1].gap == 10 / 40
