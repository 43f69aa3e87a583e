"""Several small whole numbers in one, for columns of ``rollup.db``: each column costs a row a byte, even one that is empty.

The numbers stand in bits of their own, the commonest lowest, and may be negative: the sum of ``number << place`` is stored,
which SQLite writes in as few bytes as it takes (https://www.sqlite.org/fileformat.html section 2.1), 0 and 1 in none.  Plain
``>>``, ``&`` and sums take it apart again, in SQL as here.
"""

from __future__ import annotations

from typing import Final

WIDEST: Final = 63  # bits; SQLite's whole numbers have 64, signed


class Packed:
    """How many bits each number has, the lowest first; a number beyond them is cut down to the next that fits."""

    def __init__(self, *bits: int) -> None:
        if sum(bits) > WIDEST:
            raise ValueError(f"{bits}: more than {WIDEST} bits")
        self._bits = bits

    def pack(self, *numbers: int) -> int:
        """Put together."""
        packed = 0
        for bits, number in zip(reversed(self._bits), reversed(numbers), strict=True):
            half = 1 << bits - 1
            packed = (packed << bits) + max(-half, min(half - 1, number))
        return packed

    def unpack(self, packed: int) -> tuple[int, ...]:
        """Take apart."""
        found = []
        for bits in self._bits:
            half = 1 << bits - 1
            found.append((packed + half & (1 << bits) - 1) - half)
            packed = packed + half >> bits
        return tuple(found)

    def fits(self, *numbers: int) -> bool:
        """Whether nothing would be cut down."""
        return all(-(1 << bits - 1) <= number < 1 << bits - 1 for bits, number in zip(self._bits, numbers, strict=True))

    def apart_in_sql(self, packed: str, *, never_negative: int = 0) -> list[str]:
        """The same as ``unpack``, as expressions; NULL of NULL.  ``never_negative``: so many of the lowest are quicker told."""
        found = []
        for place, bits in enumerate(self._bits):
            is_last = place == len(self._bits) - 1
            half = 0 if place < never_negative else 1 << bits - 1
            if not half:
                found.append(f"({packed})" if is_last else f"(({packed}) & {(1 << bits) - 1})")
                packed = f"({packed}) >> {bits}"
                continue
            found.append(f"({packed})" if is_last else f"((({packed}) + {half} & {(1 << bits) - 1}) - {half})")
            packed = f"({packed}) + {half} >> {bits}"
        return found

    def together_in_sql(self, *numbers: str) -> str:
        """The same as ``pack``, as an expression."""
        terms, place = [], 0
        for bits, number in zip(self._bits, numbers, strict=True):
            half = 1 << bits - 1
            terms.append(f"max({-half}, min({half - 1}, {number})) * {1 << place}")
            place += bits
        return f"({' + '.join(terms)})"


def scaled(value: float | None, per_unit: int) -> int | None:
    """A figure as a whole number of small parts; None stays None."""
    return None if value is None else round(value * per_unit)


def scaled_in_sql(value: str, per_unit: int) -> str:
    """The same as ``scaled``, as an expression."""
    return f"CAST(round(({value}) * {per_unit}) AS INTEGER)"
