"""One folder that holds all state: catalogue, vector indices, answers to filters, added models."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Self

from likemark.db.catalogue import Catalogue
from likemark.db.errors import CatalogueError, NotFound


def default_root() -> Path:
    """The platform's data folder, without making it."""
    from platformdirs import user_data_path

    return user_data_path("likemark", appauthor=False)


def _is_there(file: Path) -> bool:
    """Raises CatalogueError where nobody can tell."""
    try:
        file.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise CatalogueError(f"workspace {file.parent}: {error.strerror}") from error
    return True


def _make(root: Path) -> None:
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CatalogueError(f"workspace {root}: {error.strerror}") from error


class Workspace:
    """root: the folder; catalogue: SQLite in it, or the PostgreSQL database at `database`."""

    def __init__(self, root: Path, catalogue: Catalogue) -> None:
        self.root = root
        self.catalogue = catalogue

    @classmethod
    def open(
        cls, root: Path | None = None, *, database: str | None = None, create: bool = True
    ) -> Self:
        """Make the folder and the catalogue's tables if they are not there yet.

        database: an SQLAlchemy URL; by default `catalogue.db` in the folder. create: without it, a
        catalogue that is not there raises NotFound. Raises CatalogueError.
        """
        root = (root or default_root()).absolute()
        file = root / "catalogue.db"
        if not create and database is None and not _is_there(file):
            raise NotFound(f"workspace {root}: nothing is indexed yet; run: likemark index FOLDER")
        if create:
            _make(root)
        space = cls(root, Catalogue.open(database or file, create=create))
        try:
            _make(root)  # of a catalogue that stands elsewhere: for its vector indices
        except CatalogueError:
            space.close()
            raise
        return space

    @property
    def models(self) -> Path:
        return self.root / "models"

    @property
    def filters(self) -> Path:
        """Where the images are kept that costly filters allow."""
        return self.root / "filters"

    @property
    def looks(self) -> Path:
        """The file that keeps pictures as `--parts` compares them."""
        return self.root / "looks.db"

    def index_folder(self, fingerprint: str) -> Path:
        """Where the vectors of the model with this fingerprint are indexed."""
        return self.root / "index" / fingerprint[:16]

    def close(self) -> None:
        self.catalogue.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.close()
