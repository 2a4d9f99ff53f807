"""The page in a real browser: it asks for nothing, and its pictures load."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
from PIL import Image
from support.browser import Browse

# What it loaded by any address but its own, and every picture that shows nothing.
_PROBE = """<script>addEventListener("load", () => {
  const loaded = performance.getEntriesByType("resource").map(one => one.name)
    .filter(name => !name.startsWith("data:"));
  const pictures = [...document.images];
  document.title = JSON.stringify({
    loaded, pictures: pictures.length,
    blank: pictures.filter(one => !one.complete || one.naturalWidth != 96).length,
    plots: [...document.querySelectorAll("svg")].map(one => one.getBoundingClientRect().width),
    refused, wide: document.documentElement.scrollWidth,
  });
});
var refused = [];
addEventListener("securitypolicyviolation", event => refused.push(event.blockedURI));
</script>"""


def test_page_loads_nothing_and_shows_its_pictures(browse: Browse, whole_page: str, tmp_path: Path):
    # The policy stays, but for the probe's own script.
    probed = whole_page.replace("'none'; img", "'none'; script-src 'unsafe-inline'; img", 1)
    page = tmp_path / "page.html"
    page.write_text(probed.replace("</title>", f"</title>{_PROBE}", 1), encoding="utf-8")
    seen = browse("--window-size=1200,900", "--dump-dom", page.as_uri())
    found = json.loads(re.findall(r"<title>(.*?)</title>", seen)[0])
    assert found["loaded"] == found["refused"] == []
    assert (found["pictures"], found["blank"]) == (2 * 8, 0)
    assert len(found["plots"]) == 8
    assert min(found["plots"]) > 600
    assert found["wide"] == 1200


def test_page_is_drawn(browse: Browse, whole_page: str, tmp_path: Path):
    page, shot = tmp_path / "page.html", tmp_path / "shot.png"
    page.write_text(whole_page, encoding="utf-8")
    browse("--window-size=1200,3000", f"--screenshot={shot}", page.as_uri())
    with Image.open(shot) as image:
        drawn = np.asarray(image.convert("RGB")).astype(int)
    disc = (abs(drawn - (40, 255, 120)) < 12).all(axis=-1)
    assert disc.sum() > 1000  # the first query: pictures pass the page's own policy
    orange = (abs(drawn - (230, 159, 0)) < 12).all(axis=-1)
    assert orange.sum() > 200  # a series of the plots
