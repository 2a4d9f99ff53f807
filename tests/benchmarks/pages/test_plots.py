from __future__ import annotations

import copy
import io
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from likemark.benchmarks.pages.documents import Document
from likemark.benchmarks.pages.plot_style import line, spread
from likemark.benchmarks.pages.plots import illustrated, plots, write_plots

Documents = dict[str, dict[str, Any]]

FILES = {
    "retrieval": ["retrieval-precision-recall", "retrieval-speed"],
    "metu": ["metu-precision-recall"],
    "flickr27": ["flickr27-accuracy", "flickr27-loss"],
    "invariance": ["invariance-recall"],
    "speed": [],
    "scale": ["scale-growth", "scale-filters"],
}


def texts(svg: str) -> list[str]:
    """What the plot says, in the order it is drawn."""
    root = ElementTree.fromstring(svg)
    return ["".join(one.itertext()) for one in root.iter("{http://www.w3.org/2000/svg}text")]


def test_every_document_has_its_plots_in_both_formats(documents: Documents, tmp_path: Path):
    written = write_plots(list(documents.values()), tmp_path)
    names = [name for each in FILES.values() for name in each]
    assert [path.name for path in written] == [
        name + ending for name in names for ending in (".svg", ".png")
    ]
    for path in written:
        if path.suffix == ".svg":
            assert ElementTree.fromstring(path.read_bytes()).tag.endswith("svg")
        else:
            with Image.open(path) as image:
                assert image.width == 1440
                assert len(np.unique(np.asarray(image.convert("L")))) > 10


def test_the_same_figures_give_the_same_bytes(documents: Documents):
    document = Document.of(documents["invariance"])
    (first,), (second,) = plots(document), plots(document)
    assert first.svg() == first.svg() == second.svg()
    assert first.png() == second.png()
    assert not re.search(r"<dc:|<metadata|\b20\d\d-\d\d", first.svg())
    with Image.open(io.BytesIO(first.png())) as image:
        assert "Software" not in image.info


def test_curves_and_points_bear_their_names(documents: Documents):
    curves, speeds = plots(Document.of(documents["retrieval"]), prefix="r")
    assert (curves.name, speeds.name) == ("r-precision-recall", "r-speed")
    for label in ("likemark-small 0.812", "orb + ratio test 0.233", "resnet50 0.502"):
        assert label in texts(curves.svg())
    assert "resnet50 0.502" in texts(speeds.svg())
    assert not any("orb" in text for text in texts(speeds.svg()))  # it has no speed
    assert not any("sscd" in text for text in texts(curves.svg()))  # it has no figures


def test_a_system_looks_the_same_in_both_plots(documents: Documents):
    curves, speeds = plots(Document.of(documents["retrieval"]))
    last = line(6)  # behind one without a speed
    assert last.colour in curves.svg()
    assert last.colour in speeds.svg()
    assert line(3).colour not in speeds.svg()


def test_no_speed_at_all_leaves_the_curves(documents: Documents):
    for row in documents["retrieval"]["result"]["rows"]:
        row["pictures_per_second"] = None
    assert [one.name for one in plots(Document.of(documents["retrieval"]))] == [
        "retrieval-precision-recall"
    ]


def test_transformations_are_sorted_and_those_without_queries_left_out(documents: Documents):
    (bars,) = plots(Document.of(documents["invariance"]))
    names = [text for text in texts(bars.svg()) if text.islower() and "share" not in text]
    assert names == ["inversion", "mirror", "rotation_15", "jpeg_10"]  # from below
    assert any(text.split() == ["0.415", "0.600"] for text in texts(bars.svg()))


def test_only_what_was_trained_has_learning_curves(documents: Documents):
    accuracy, loss = plots(Document.of(documents["flickr27"]))
    titles = [text for text in texts(accuracy.svg()) if text.endswith(("photos", "crops"))]
    assert titles == [
        "linear head, photos", "linear head, crops", "the network itself, photos", "query photos",
    ]  # fmt: skip
    assert "cross-entropy in nats" in texts(loss.svg())
    for row in documents["flickr27"]["result"]["rows"]:
        row["curve"] = None
    assert plots(Document.of(documents["flickr27"])) == []


def test_names_are_drawn_as_they_are(documents: Documents):
    documents["retrieval"]["result"]["rows"][0]["name"] = "a$b$ <script>&"
    curves, _ = plots(Document.of(documents["retrieval"]))
    assert "a$b$ <script>& 0.812" in texts(curves.svg())
    assert "<script>" not in curves.svg()


def test_series_differ_without_colour():
    looks = [line(place) for place in range(13)]
    assert len({(look.marker, str(look.dashes)) for look in looks}) == 13
    assert len({(look.colour, str(look.dashes)) for look in looks}) == 13


def test_names_that_have_room_stay_where_they_are():
    assert spread([0.5, 0.1, 0.9], 0.1, 0.0, 1.0) == pytest.approx([0.5, 0.1, 0.9])


def test_names_that_collide_part_around_their_middle():
    assert spread([0.5, 0.5, 0.5], 0.1, 0.0, 1.0) == pytest.approx([0.4, 0.5, 0.6])
    assert spread([0.52, 0.48], 0.1, 0.0, 1.0) == pytest.approx([0.55, 0.45])


def test_names_keep_within_their_bounds():
    assert spread([0.0, 0.0], 0.1, 0.05, 0.95) == pytest.approx([0.05, 0.15])
    assert spread([1.0, 1.0], 0.1, 0.05, 0.95) == pytest.approx([0.85, 0.95])
    assert spread([0.5] * 4, 0.5, 0.0, 1.0) == pytest.approx([0.0, 0.5, 1.0, 1.5])


def test_spread_names_are_apart_in_order_and_near():
    rng = np.random.default_rng(5)
    for _ in range(50):
        wanted = rng.random(8)
        places = np.array(spread(list(wanted), 0.05, 0.0, 1.0))
        order = np.argsort(wanted)
        assert (np.diff(places[order]) > 0.05 - 1e-9).all()
        assert (places >= -1e-9).all()
        assert (places <= 1 + 1e-9).all()
        even = np.empty(8)
        even[order] = np.linspace(0.0, 1.0, 8)
        assert ((places - wanted) ** 2).sum() <= ((even - wanted) ** 2).sum() + 1e-9


def test_sizes_of_several_runs_are_on_one_curve(documents: Documents):
    first = Document.of(documents["scale"])
    second = copy.deepcopy(documents["scale"])
    second["result"]["rows"] = [
        {**row, "vectors": 10_000_000} for row in second["result"]["rows"] if row["own"]
    ][:1]
    made = list(illustrated([first, Document.of(second)]))
    assert [(name, [plot.name for plot in drawn]) for name, _, drawn in made] == [
        ("scale", ["scale-growth", "scale-filters"]), ("scale-2", []),
    ]  # fmt: skip
    growth, filters = made[0][2]
    (own, *_) = growth.figure.axes[0].lines
    assert list(np.asarray(own.get_xdata())) == [10_000, 1_000_000, 10_000_000]
    assert "10M" in texts(growth.svg())
    assert filters.title == "Filters among 10,000,000 vectors"  # no rival has any


def test_runs_around_other_vectors_are_drawn_apart(documents: Documents):
    other = {**documents["scale"], "model": {"name": "another", "fingerprint": "0" * 64}}
    made = illustrated([Document.of(documents["scale"]), Document.of(other)])
    assert [len(drawn) for _, _, drawn in made] == [2, 2]


def test_what_was_not_reached_is_hollow(documents: Documents):
    for row in documents["scale"]["result"]["rows"]:
        if row["engine"] == "FAISS HNSW32" and row["vectors"] == 1_000_000:
            for point in row["figures"]["points"]:
                point["reached"] = False
    growth, _ = plots(Document.of(documents["scale"]))
    hollow = [line for line in growth.figure.axes[0].lines if line.get_markerfacecolor() == "white"]
    assert [list(np.asarray(line.get_xdata())) for line in hollow] == [[1_000_000]]
