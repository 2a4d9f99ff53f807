"""Where a rival's weights come from: the user's folder, the hub's cache, else the network."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

# A URL's reason why it cannot be reached, or None where it answers.
Unreachable = Callable[[str], str | None]

_SECONDS = 5.0


@cache
def why_unreachable(url: str) -> str | None:
    """Why nothing can be fetched from there: asked once, for all rivals of one host.

    Any answer counts as one: the fetch itself tells the rest.
    """
    from huggingface_hub import get_session, is_offline_mode

    if is_offline_mode():
        return "offline, as HF_HUB_OFFLINE asks"
    try:
        get_session().head(url, timeout=_SECONDS)
    except Exception:  # of whichever library the hub's client is built on
        return "no network: its weights cannot be fetched"
    return None


def weights_file(folder: Path | None, tag: str) -> Path | None:
    """TAG.fp16.safetensors or TAG.safetensors in the user's folder."""
    if folder is None:
        return None
    paths = (folder / f"{tag}{suffix}" for suffix in (".fp16.safetensors", ".safetensors"))
    return next((path for path in paths if path.is_file()), None)


def why_not_from_hub(backbone: str, unreachable: Unreachable) -> str | None:
    """Why timm cannot get a backbone's weights; None where they are cached or can be fetched."""
    from huggingface_hub.constants import ENDPOINT

    return None if _is_cached(backbone) else unreachable(ENDPOINT)


def _is_cached(backbone: str) -> bool:
    import timm
    from huggingface_hub import try_to_load_from_cache

    config: Any = timm.get_pretrained_cfg(backbone)
    found = try_to_load_from_cache(config.hf_hub_id, config.hf_hub_filename or "model.safetensors")
    return isinstance(found, str)
