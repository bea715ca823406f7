"""Fit the fraction by which the native engine computes tanh, and print its coefficients and its error.

tanh(x) = x P(s) / Q(s) with s = x^2, P of degree 6, Q of degree 3, Q(0) = 1: least squares of the relative error on
0 < x <= 9, repeated with the weights that turn it into the smallest largest error (Lawson's method), and with those
that make the linear problem fit the fraction itself (Loeb's).
"""

import numpy as np

LIMIT, P_DEGREE, Q_DEGREE, ROUNDS = 9.0, 6, 3, 60


def fit() -> tuple[np.ndarray, np.ndarray]:
    """Return the coefficients of P and Q in powers of x^2, the lowest first."""
    x = LIMIT * (1 - np.cos(np.pi * (np.arange(8000) + 0.5) / 8000)) / 2
    s, target = (x / LIMIT) ** 2, np.tanh(x) / x
    powers = np.vander(s, P_DEGREE + 1, increasing=True)
    terms = np.concatenate([powers, -target[:, None] * powers[:, 1 : Q_DEGREE + 1]], axis=1)
    loeb = lawson = np.ones_like(s)
    for _ in range(ROUNDS):
        weights = loeb * lawson / target
        found = np.linalg.lstsq(terms * weights[:, None], target * weights, rcond=None)[0]
        p, q = found[: P_DEGREE + 1], np.concatenate([[1.0], found[P_DEGREE + 1 :]])
        denominator = np.polyval(q[::-1], s)
        error = np.abs(np.polyval(p[::-1], s) / denominator / target - 1)
        loeb = 1 / np.abs(denominator)
        lawson = lawson * np.sqrt(error / error.mean() + 0.05)
        lawson = lawson / lawson.mean()
    return p / LIMIT ** (2 * np.arange(P_DEGREE + 1)), q / LIMIT ** (2 * np.arange(Q_DEGREE + 1))


def largest_error(p: np.ndarray, q: np.ndarray) -> float:
    """Return the largest relative error when all is computed in float32."""
    x = np.linspace(1e-3, LIMIT, 1_000_001, dtype=np.float32)
    s = x * x
    top, bottom = (np.float32(0), np.float32(0))
    for coefficient in p[::-1]:
        top = top * s + np.float32(coefficient)
    for coefficient in q[::-1]:
        bottom = bottom * s + np.float32(coefficient)
    return float(np.abs(x * top / bottom / np.tanh(x.astype(np.float64)) - 1).max())


if __name__ == "__main__":
    p, q = fit()
    for name, coefficients in (("P", p), ("Q", q)):
        print(name, *(f"{coefficient:.9e}" for coefficient in coefficients))
    print(f"largest relative error in float32: {largest_error(p, q):.1e}")
