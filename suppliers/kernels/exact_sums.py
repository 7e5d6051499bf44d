"""Sums that are the same to the last bit in any order and any chunks."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

LIMB_BITS = 32
LIMBS = 9
FRACTION_BITS = 160  # what is below 2**-160 is cut off
LARGEST = 2.0**120
_PLACES = 2.0 ** (FRACTION_BITS - LIMB_BITS * np.arange(LIMBS + 1))[:, None]


def sum_limbs(group: Ints, values: Floats, *, n_groups: int) -> Ints:
    """Sum of each group's values as integers to the base 2^32, shape (n_groups, LIMBS), lowest first.

    Floating-point addition rounds, so that its result depends on the order. Integers do not round: the limbs of two
    chunks are added to each other and only the end is rounded, by `as_floats`.

    Parameters
    ----------
    group : int64, shape (n,)
        Position of each value's group, 0 to n_groups - 1.
    values : float64, shape (n,)
        Finite, up to 2^120. At most 2^21 of them.

    Raises
    ------
    ValueError
        If a value is not finite or too large, or there are too many.

    Notes
    -----
    A fixed-point superaccumulator (Kulisch 2013) of 288 bits; a limb of one value is below 2^32 and carries its sign.
    """
    if len(values) > 2**21 or not np.all(np.abs(values) <= LARGEST):
        raise ValueError("values must be finite, up to 2**120, and at most 2**21 at once")
    whole = np.floor(np.abs(values) * _PLACES)
    limbs = np.copysign(whole[:-1] - whole[1:] * 2.0**LIMB_BITS, values)
    sums = [np.bincount(group, weights=limb, minlength=n_groups) for limb in limbs]
    return np.stack(sums, axis=1).astype(np.int64)


def as_floats(limbs: Ints) -> Floats:
    """The float64 nearest to each row of limbs, shape (n_groups,)."""
    one = 1 << FRACTION_BITS
    return np.array([_integer(row) / one for row in limbs.tolist()], dtype=np.float64)


def _integer(limbs: list[int]) -> int:
    return sum(limb << (LIMB_BITS * place) for place, limb in enumerate(limbs))
