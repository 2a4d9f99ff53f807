"""Keypoints of the query found in the scene, agreeing in one affine or projective view.

SIFT (Lowe, IJCV 2004) or ORB (Rublee et al., ICCV 2011). Each keypoint of the scene takes its
nearest of the query's if that is clearly nearer than the second (Lowe's ratio): from the scene to
the query, because a mark may stand several times in a scene. RANSAC finds the view that most agree
with (Fischler and Bolles, 1981): affine, then a homography where enough agree. What agreed is taken
out and the next one looked for. The query is matched as it is and inverted. The score is the number
of the query's keypoints that agree.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from likemark.benchmarks.encoders import Pixels
from likemark.benchmarks.locate.found import Found, Rect
from likemark.benchmarks.locate.rivals.shared import (
    Grey,
    Kept,
    best_places,
    clipped,
    recipe_hash,
    to_grey,
)
from likemark.db.errors import InvalidInput

if TYPE_CHECKING:
    import cv2

Kind = Literal["SIFT", "ORB"]
Points = NDArray[np.float32]  # (n, 2), px

_SEED = 1
_QUERIES = 64  # whose keypoints are kept
_TRIES = 2000  # of RANSAC
_COPIES = 8  # of a mark in a scene, looked for in each polarity
_STRETCH = 3.0  # how much more a view may stretch one way than the other
_SCALES = (0.02, 8.0)  # of a view: side in the scene, over side in the query


@dataclass(frozen=True, slots=True)
class KeypointRecipe:
    kind: Kind
    most: int = 2000  # keypoints of a picture
    query: int = 320  # px, longer side that a query is scaled to
    scene: int = 800  # px, longer side that a smaller scene is enlarged to, at most twofold
    ratio: float = 0.8  # of the nearest's distance to the second's
    reach: float = 4.0  # px of the enlarged scene that a keypoint may be off
    fewest: int = 5  # keypoints that agree: three always do
    homography: int = 10  # keypoints that agree, from which on the view is projective

    def __post_init__(self) -> None:
        if not 0 < self.ratio <= 1 or self.fewest < 4 or min(self.most, self.query, self.scene) < 8:
            raise InvalidInput(f"{self}: ratio up to 1, fewest 4 or more, sizes 8 or more")


@dataclass(frozen=True, slots=True, eq=False)
class Keypoints:
    places: Points  # (n, 2), px of the picture as it was given
    descriptors: NDArray[Any]  # (n, D) float32 of SIFT, uint8 of ORB
    scale: float  # how much the picture was enlarged
    size: tuple[int, int]  # px of the picture as it was given: width, height


class KeypointLocator:
    """See `Locator`."""

    def __init__(self, recipe: KeypointRecipe) -> None:
        self.recipe = recipe
        self._scene = Kept(self._of_scene)
        self._query = Kept(self._of_query, most=_QUERIES)

    @property
    def name(self) -> str:
        return f"{self.recipe.kind} + homography"

    @property
    def fingerprint(self) -> str:
        import cv2

        settings = (_SEED, _TRIES, _COPIES, _STRETCH, _SCALES, cv2.__version__)
        return recipe_hash("keypoints 1", self.recipe, *settings)

    def locate(self, query: Pixels, scene: Pixels) -> Sequence[Found]:
        """See `Locator.locate`; the score is a number of keypoints."""
        there = self._scene.of(scene)
        boxes: list[Rect] = []
        scores: list[float] = []
        for asked in self._query.of(query):
            for box, score in self._copies(asked, there):
                boxes.append(box)
                scores.append(score)
        return best_places(boxes, scores)

    def _copies(self, query: Keypoints, scene: Keypoints) -> Iterator[tuple[Rect, float]]:
        left = pairs(query, scene, self.recipe.ratio)
        for _ in range(_COPIES):
            if len(left) < self.recipe.fewest:
                return
            source, target = query.places[left[:, 0]], scene.places[left[:, 1]]
            view, agree = fitted(source, target, self.recipe, self.recipe.reach / scene.scale)
            score = len(np.unique(left[agree, 0]))
            if view is None or score < self.recipe.fewest:
                return
            if (box := _box(view, query.size, scene.size)) is not None:
                yield box, float(score)
            left = left[~agree]

    def _of_scene(self, pixels: Pixels) -> Keypoints:
        grey = to_grey(pixels)
        return self._found(grey, min(2.0, max(1.0, self.recipe.scene / max(grey.shape))))

    def _of_query(self, pixels: Pixels) -> tuple[Keypoints, Keypoints]:
        """As it is, and inverted."""
        grey = to_grey(pixels)
        scale = self.recipe.query / max(grey.shape)
        return self._found(grey, scale), self._found(255 - grey, scale)

    def _found(self, grey: Grey, scale: float) -> Keypoints:
        import cv2

        way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        larger = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=way)
        found, descriptors = detector(self.recipe).detectAndCompute(larger, None)
        if not found:
            descriptors = np.empty((0, 1), np.float32)
        # A keypoint of two directions stands twice: both are kept.
        places = np.array([point.pt for point in found], np.float32).reshape(-1, 2)
        return Keypoints(places / np.float32(scale), descriptors, scale, grey.shape[::-1])


def detector(recipe: KeypointRecipe) -> cv2.Feature2D:
    import cv2

    if recipe.kind == "SIFT":
        sift: cv2.Feature2D = cv2.SIFT_create(nfeatures=recipe.most)  # type: ignore[attr-defined]
        return sift
    orb: cv2.Feature2D = cv2.ORB_create(nfeatures=recipe.most)  # type: ignore[attr-defined]
    return orb


def pairs(query: Keypoints, scene: Keypoints, ratio: float) -> NDArray[np.intp]:
    """(n, 2): (query's, scene's) keypoints that match, by the ratio of the two nearest."""
    import cv2

    none = np.empty((0, 2), np.intp)
    if len(query.places) < 2 or not len(scene.places):
        return none
    norm = cv2.NORM_HAMMING if query.descriptors.dtype == np.uint8 else cv2.NORM_L2
    matches = cv2.BFMatcher(norm).knnMatch(scene.descriptors, query.descriptors, k=2)
    good = [
        (first.trainIdx, first.queryIdx)
        for first, second in matches
        if first.distance < ratio * second.distance
    ]
    return np.array(good, np.intp) if good else none


def fitted(
    source: Points, target: Points, recipe: KeypointRecipe, reach: float
) -> tuple[NDArray[np.float64] | None, NDArray[np.bool_]]:
    """((3, 3) view or None, (n,) whether each agrees). source, target: (n, 2), px; reach: px"""
    import cv2

    cv2.setRNGSeed(_SEED)
    fit, inliers = cv2.estimateAffine2D(
        source, target, method=cv2.RANSAC, ransacReprojThreshold=reach, maxIters=_TRIES
    )
    if fit is None or not is_plausible(affine := np.asarray(fit, np.float64)):
        return None, np.zeros(len(source), bool)
    agree = inliers.ravel() > 0
    view = np.vstack((affine, (0, 0, 1)))
    if agree.sum() >= recipe.homography:
        finer, _ = cv2.findHomography(source[agree], target[agree], cv2.RANSAC, reach)
        if finer is not None and _is_convex(np.asarray(finer, np.float64), source):
            view = np.asarray(finer, np.float64)
    return view, agree


def is_plausible(affine: NDArray[np.floating]) -> bool:
    """A view that a camera can have: not mirrored, not stretched or scaled beyond measure."""
    if np.linalg.det(affine[:, :2]) <= 0:
        return False
    larger, smaller = np.linalg.svd(affine[:, :2], compute_uv=False)
    return bool(smaller >= _SCALES[0] and larger <= _SCALES[1] and larger <= _STRETCH * smaller)


def _is_convex(view: NDArray[np.floating], places: Points) -> bool:
    """Whether the frame around these places stays a convex one, the same way round."""
    (left, top), (right, bottom) = places.min(axis=0), places.max(axis=0)
    corners = _moved(view, np.array([(left, top), (right, top), (right, bottom), (left, bottom)]))
    if corners is None:
        return False
    sides = np.roll(corners, -1, axis=0) - corners
    following = np.roll(sides, -1, axis=0)
    return bool((sides[:, 0] * following[:, 1] - sides[:, 1] * following[:, 0] > 0).all())


def _moved(view: NDArray[np.floating], places: NDArray[np.floating]) -> Points | None:
    """(n, 2), or None where a place is behind the camera."""
    whole = np.column_stack((places, np.ones(len(places)))) @ view.T
    if (whole[:, 2] <= 1e-6).any():
        return None
    moved: Points = (whole[:, :2] / whole[:, 2:]).astype(np.float32)
    return moved


def _box(view: NDArray[np.floating], query: tuple[int, int], scene: tuple[int, int]) -> Rect | None:
    """Around the query's frame as it stands in the scene, cut at the scene's edge."""
    width, height = query
    corners = _moved(view, np.array([(0, 0), (width, 0), (width, height), (0, height)]))
    if corners is None or not np.isfinite(corners).all():
        return None
    (left, top), (right, bottom) = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
    return clipped((left, top, right - left, bottom - top), *scene)
