"""npm packages of drawings made for a test, and a program that stands in for npm's client."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import sys
import tarfile
from collections.abc import Mapping
from pathlib import Path

VERSION = "1.0.0"
NPM = """
import shutil, sys
package, _, version = sys.argv[2].rpartition("@")
folder = sys.argv[3].split("=", 1)[1]
name = f"{{package.removeprefix('@').replace('/', '-')}}-{{version}}.tgz"
try:
    shutil.copy({archives!r} + "/" + name, folder)
except OSError:
    print("npm error 404 no such package", file=sys.stderr)
    sys.exit(1)
"""


def archive(path: Path, files: Mapping[str, str]) -> Path:
    """A .tgz as `npm pack` writes it."""
    with tarfile.open(path, "w:gz") as tar:
        for name, text in files.items():
            data = text.encode()
            member = tarfile.TarInfo(f"package/{name}")
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return path


def icon_set(icons: Mapping[str, str], *, licence: str = "MIT") -> dict[str, str]:
    """The files of an icon-set package. icons: bodies by name, drawn in 24 x 24 units."""
    bodies = {name: {"body": body} for name, body in icons.items()}
    return {
        "icons.json": json.dumps({"prefix": "x", "width": 24, "height": 24, "icons": bodies}),
        "info.json": json.dumps({"license": {"spdx": licence}}),
    }


class Registry:
    """Packages in a folder, the table that pins them, and a program to fetch them with."""

    def __init__(self, folder: Path) -> None:
        self.archives = folder / "archives"
        self.archives.mkdir()
        self.sources = folder / "sources.csv"
        self.rows: list[tuple[str, str, str, str, str]] = []
        self.npm = folder / "npm"
        self.npm.write_text(f"#!{sys.executable}\n" + NPM.format(archives=str(self.archives)))
        self.npm.chmod(0o755)

    def add(self, kind: str, package: str, files: Mapping[str, str], *, brands: str = "") -> Path:
        name = package.removeprefix("@").replace("/", "-")
        path = archive(self.archives / f"{name}-{VERSION}.tgz", files)
        digest = base64.b64encode(hashlib.sha512(path.read_bytes()).digest()).decode()
        self.rows.append((kind, package, VERSION, f"sha512-{digest}", brands))
        with self.sources.open("w", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(["kind", "package", "version", "integrity", "brands"])
            writer.writerows(self.rows)
        return path
