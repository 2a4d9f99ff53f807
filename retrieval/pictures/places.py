"""Where a picture stands: a file, an object in a store, a member of a tar shard.

A place is one line of text, as the catalogue keeps it:

/marks/logo.png                 a file
s3://bucket/marks/logo.png      an object, of any file system that fsspec knows
/marks/shard.tar!/logo.png      a member of a shard, which may itself be an object
"""

from __future__ import annotations

import importlib.util
import os
import re
from collections.abc import Callable
from itertools import takewhile
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast
from urllib.parse import urlsplit

from likemark.db.errors import InvalidInput, LikemarkError, NotFound, PictureError, one_line
from likemark.retrieval.pictures.limits import PictureLimits

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

SHARDS = (".tar", ".tar.gz", ".tgz")
INSIDE = "!/"
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
_MEMBER = re.compile(rf"(.*?(?i:{'|'.join(map(re.escape, SHARDS))})){INSIDE}(.+)", re.DOTALL)
_LOCAL = ("file", "local")
_NO_PASSWORDS = ("github",)  # github://OWNER:REPOSITORY@BRANCH/


def is_url(name: str) -> bool:
    return _URL.match(name) is not None


def is_shard(name: str) -> bool:
    return name.lower().endswith(SHARDS)


def parted(name: str) -> tuple[str, str] | None:
    """The shard of a member and its name there; None for what stands by itself."""
    found = _MEMBER.fullmatch(name)
    if found is None or (not is_url(name) and os.path.lexists(name)):
        return None
    return found[1], found[2]


def is_elsewhere(name: str) -> bool:
    """Whether a picture is no file of its own."""
    return is_url(name) or parted(name) is not None


def is_there(name: str) -> bool:
    """Whether a picture's file or its shard is there; of an object this is taken as given."""
    shard = parted(name)
    outer = name if shard is None else shard[0]
    return is_url(outer) or os.path.exists(outer)


def canonical(name: str) -> str:
    """One name for one place: a file's absolute path, or its URL as fsspec writes it.

    Raises InvalidInput for a URL that cannot be used or kept, LikemarkError where a package is
    missing.
    """
    if not is_url(name):
        # abspath, unlike absolute(), resolves "..": a file has one name from wherever it is named.
        return os.path.abspath(name)
    if "::" in name:
        raise InvalidInput(f"{one_line(name)}: chained addresses are not read; name one")
    if name.split("://")[0].lower() in _LOCAL:
        return os.path.abspath(filesystem(name)[1])
    return naming(name)(filesystem(name)[1])


def filesystem(url: str) -> tuple[AbstractFileSystem, str]:
    """fsspec's file system of a URL, and the path in it. Raises InvalidInput, LikemarkError."""
    if importlib.util.find_spec("fsspec") is None:
        raise LikemarkError("fsspec is not installed; run: pip install 'likemark[distributed]'")
    from fsspec.core import url_to_fs

    _check_no_password(url)
    try:
        files, path = url_to_fs(url, use_listings_cache=False)
    except ImportError as error:  # such as "Install s3fs to access S3"
        raise LikemarkError(f"{one_line(url)}: {one_line(str(error))}") from error
    except Exception as error:
        raise InvalidInput(f"{one_line(url)}: {one_line(str(error))}") from error
    return files, path


def naming(url: str) -> Callable[[str], str]:
    """What gives each path in a URL's file system its own URL, with the same server and account.

    Raises as `filesystem`, and InvalidInput where no URL would be found again.
    """
    files, path = filesystem(url)

    def plain(other: str) -> str:
        return str(files.unstrip_protocol(other))

    if _is_of(files, url, plain(path), path):
        return plain
    # Of a store whose paths are without their server, such as ftp://: what stands before the path.
    theirs, ours = path.rstrip("/").split("/"), url.rstrip("/").split("/")
    ends = zip(reversed(theirs), reversed(ours), strict=False)
    shared = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], ends))
    inside, outside = "/".join(theirs[: len(theirs) - shared]), "/".join(ours[: len(ours) - shared])

    def whole(other: str) -> str:
        return f"{outside}/{other.removeprefix(inside).lstrip('/')}".rstrip("/")

    below = f"{path.rstrip('/')}/x"
    if not _is_of(files, url, whole(below), below):
        raise InvalidInput(f"{one_line(url)}: its pictures would not be found again by their names")
    return whole


def _is_of(files: AbstractFileSystem, url: str, name: str, path: str) -> bool:
    """Whether `name` stands for `path` on the same server and account as `url`; asks nobody."""
    try:
        same = files._get_kwargs_from_urls(name) == files._get_kwargs_from_urls(url)
        return bool(same and files._strip_protocol(name) == path)
    except Exception:  # what has no host can be no name at all
        return False


def _check_no_password(url: str) -> None:
    """Raises InvalidInput: a URL is kept with the pictures, and shown."""
    try:
        split = urlsplit(url)
    except ValueError:
        return  # said by whoever reads it
    if split.password and split.scheme not in _NO_PASSWORDS:
        shown = one_line(url.replace(f":{split.password}@", ":***@", 1))
        raise InvalidInput(
            f"{shown}: an address is kept, so it may hold no password; put it into fsspec's "
            f"settings, such as FSSPEC_{split.scheme.upper()}_PASSWORD in the environment"
        )


def open_place(name: str) -> IO[bytes]:
    """A file or an object, opened for reading in order. Raises OSError, LikemarkError."""
    if not is_url(name):
        return Path(name).open("rb")
    files, path = filesystem(name)
    return cast("IO[bytes]", files.open(path, "rb"))


def read_elsewhere(name: str, limits: PictureLimits) -> bytes:
    """The bytes of an object or of a shard's member, never more than the limit and one.

    Raises PictureError.
    """
    from likemark.retrieval.pictures.shards import read_member

    try:
        shard = parted(name)
        if shard is not None:
            return read_member(*shard, most=limits.max_bytes + 1)
        with open_place(name) as stream:
            return stream.read(limits.max_bytes + 1)
    except (FileNotFoundError, NotADirectoryError, NotFound):
        raise PictureError(name, "missing", "no such file: check the path") from None
    except PictureError:
        raise
    except Exception as fault:  # a store's own errors share no base
        raise PictureError(name, "unreadable", f"it cannot be read: {fault}") from fault
