"""How many elements an SVG comes to once every reference is followed, and how deep it goes.

`use` inside `use`, patterns inside patterns and the like grow exponentially with the file.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from likemark.retrieval.pictures.svg_refs import Reference


@dataclass(slots=True)
class Node:
    """One element of the drawing, filled while the file is read."""

    tag: str  # local name, without its prefix
    keys: tuple[str, ...]  # what a style sheet may select it by: tag, .class, #id, *
    weight: int = 1  # elements it stands for by itself: more for an embedded SVG
    children: list[int] = field(default_factory=list)  # indices of nodes
    references: list[Reference] = field(default_factory=list)  # elements it draws with


class Cycle(Exception):
    """An element that draws itself; the argument is its tag."""


# Ramps of colour: no part of them is drawn as an element.
_FREE = {"linearGradient", "radialGradient", "solidColor"}
_CEILING = 10**12


def expanded(nodes: list[Node], by_id: dict[str, int]) -> tuple[int, int]:
    """The number of elements below node 0 and their depth, both with references followed.

    nodes: 0 is the root
    by_id: index of the node of each id
    result: count (stops growing at 1e12), levels. Raises Cycle.
    """
    costs: list[tuple[int, int] | None] = [None] * len(nodes)
    opened = [False] * len(nodes)
    stack = [0]
    # No recursion: the depth is the attacker's to choose.
    while stack:
        at = stack[-1]
        if costs[at] is not None:
            stack.pop()
        elif opened[at]:
            costs[at] = _cost(nodes[at], by_id, costs)
            stack.pop()
        else:
            opened[at] = True
            stack.extend(_pending(at, nodes, by_id, costs, opened))
    total = costs[0]
    assert total is not None
    return total


def _pending(
    at: int,
    nodes: list[Node],
    by_id: dict[str, int],
    costs: list[tuple[int, int] | None],
    opened: list[bool],
) -> list[int]:
    """The nodes that must be costed before this one."""
    waiting = []
    for other in (*nodes[at].children, *_targets(nodes[at], by_id)):
        if costs[other] is None:
            if opened[other]:
                raise Cycle(nodes[other].tag)
            waiting.append(other)
    return waiting


def _targets(node: Node, by_id: dict[str, int]) -> list[int]:
    return [by_id[one.target] for one in _painting(node, by_id)]


def _painting(node: Node, by_id: dict[str, int]) -> list[Reference]:
    if node.tag in _FREE or node.tag == "stop":  # a ramp is not painted, whatever a rule says
        return []
    return [one for one in node.references if one.target in by_id]


def _cost(
    node: Node, by_id: dict[str, int], costs: list[tuple[int, int] | None]
) -> tuple[int, int]:
    if node.tag in _FREE:
        return 0, 0
    parts = [_known(costs, child) for child in node.children]
    inherited: list[tuple[int, int]] = []
    for one in _painting(node, by_id):
        part = _known(costs, by_id[one.target])
        (inherited if one.inherited else parts).append(part)
    inside = sum(count for count, _ in parts)
    painted = sum(count for count, _ in inherited) * (inside + 1)
    deepest = max((depth for _, depth in (*parts, *inherited)), default=0)
    return min(node.weight + inside + painted, _CEILING), 1 + deepest


def _known(costs: list[tuple[int, int] | None], at: int) -> tuple[int, int]:
    cost = costs[at]
    assert cost is not None
    return cost
