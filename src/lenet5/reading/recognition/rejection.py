"""Rejection thresholds from the calibration in the model's card."""

from lenet5.errors import ReadingError
from lenet5.models.model import Card, Threshold


def threshold(card: Card, max_error_percent: float) -> Threshold:
    """Return the mildest threshold of a card that keeps errors to at most `max_error_percent` of the answers.

    Raises ReadingError where the model was not calibrated, or to no error so small.
    """
    if card.calibration is None or not card.calibration.thresholds:
        raise ReadingError(
            f"the model {card.recipe} holds no calibration, so no share of errors can be promised; "
            "use a calibrated model, or leave the largest error out."
        )
    known = card.calibration.thresholds
    kept = [each for each in known if each.max_error_percent <= max_error_percent]
    if not kept:
        offered = ", ".join(f"{each.max_error_percent:g} %" for each in known)
        raise ReadingError(
            f"the model {card.recipe} knows no threshold for {max_error_percent:g} % errors; it knows {offered}."
        )
    return max(kept, key=lambda each: each.max_error_percent)
