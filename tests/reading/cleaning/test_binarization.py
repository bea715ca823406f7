import numpy as np
import pytest

from lenet5.reading.cleaning.binarization import BINS, SAUVOLA_K, SAUVOLA_R, otsu, sauvola


def test_otsu_parts_values_where_their_classes_vary_least(random: np.random.Generator) -> None:
    values = np.concatenate([random.normal(0.2, 0.05, 900), random.normal(0.7, 0.1, 300)]).astype(np.float32)
    edges = np.linspace(values.min(), values.max(), BINS + 1)
    middles = (edges[:-1] + edges[1:]) / 2
    counts = np.histogram(values, edges)[0]

    def within(last: int) -> float:
        """Sum of squared distances from the means of two classes, the lower ending with a bin."""
        return sum(
            float(own @ (places - np.average(places, weights=own)) ** 2)
            for own, places in ((counts[: last + 1], middles[: last + 1]), (counts[last + 1 :], middles[last + 1 :]))
        )

    assert otsu(values) == pytest.approx(middles[min(range(BINS - 1), key=within)], abs=1e-6)


def test_sauvola_follows_its_formula_up_to_mirrored_edges(random: np.random.Generator) -> None:
    paper, window = random.random((9, 12)).astype(np.float32), 5
    mirrored = np.pad(paper.astype(np.float64), window // 2, mode="reflect")
    expected = np.array(
        [
            [
                (around := mirrored[y : y + window, x : x + window]).mean()
                * (1 + SAUVOLA_K * (around.std() / SAUVOLA_R - 1))
                for x in range(paper.shape[1])
            ]
            for y in range(paper.shape[0])
        ]
    )
    np.testing.assert_allclose(sauvola(paper, window), expected, atol=1e-5)  # float32, means of 25 pixels
