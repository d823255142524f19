"""Fewer points that look like all of them: largest-triangle-three-buckets (Steinarsson 2013). Pure."""

from __future__ import annotations

from collections.abc import Sequence

Point = tuple[float, float]


def thin(points: Sequence[Point], most: int) -> list[int]:
    """Indexes of at most so many points, in order: the first, the last, and of each stretch what shapes it.

    Of equal stretches, the point is kept that makes the largest triangle with the one kept before it and the
    middle of the next stretch, so peaks and edges stay where every n-th point would lose them.
    """
    count = len(points)
    if count <= most or most < 3:
        return list(range(count)) if count <= most else sorted({0, count - 1})
    width = (count - 2) / (most - 2)
    kept = [0]
    for stretch in range(most - 2):
        start, end = int(stretch * width) + 1, int((stretch + 1) * width) + 1
        after = points[end : min(int((stretch + 2) * width) + 1, count)] or points[-1:]
        middle_x = sum(x for x, _y in after) / len(after)
        middle_y = sum(y for _x, y in after) / len(after)
        from_x, from_y = points[kept[-1]]
        kept.append(
            max(
                range(start, end),
                key=lambda i: abs(
                    (from_x - middle_x) * (points[i][1] - from_y)
                    - (from_x - points[i][0]) * (middle_y - from_y)
                ),
            )
        )
    return [*kept, count - 1]
