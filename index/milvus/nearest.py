"""The k nearest pictures out of pages of entities.

Several entities can show one picture, so a page of the nearest entities can hold fewer pictures
than asked for; then the search goes on behind it, without the pictures that are known already.
"""

from __future__ import annotations

from collections.abc import Callable

from likemark.index.milvus.filters import among, both
from likemark.index.protocol import Rows

# Milvus answers no search with more.
MOST = 16_384

# (image id, score), best first.
Page = list[tuple[int, float]]
# Rows (Q, D), a limit and an expression to a page for each row.
Pages = Callable[[Rows, int, str], list[Page]]


def nearest(pages: Pages, rows: Rows, k: int, where: str) -> list[dict[int, float]]:
    """For each of rows (Q, D) at least the k nearest pictures with their scores.

    All that tie for the last place are among them. Fewer than k: there are no more.
    """
    limit = min(k + k // 4 + 8, MOST)
    first = pages(rows, limit, where)
    return [
        _completed(pages, rows[number : number + 1], k, where, page, limit)
        for number, page in enumerate(first)
    ]


def _completed(
    pages: Pages, row: Rows, k: int, where: str, page: Page, limit: int
) -> dict[int, float]:
    best: dict[int, float] = {}
    while page:
        for image, score in page:
            best[image] = max(score, best.get(image, score))
        lowest = page[-1][1]
        if len(best) > k and sorted(best.values(), reverse=True)[k - 1] > lowest:
            break
        limit = min(4 * limit, MOST)
        page = pages(row, limit, both(where, among("image_id", best, negated=True)))[0]
    return best
