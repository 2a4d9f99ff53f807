"""A training's whole state in one safetensors file: what a killed run goes on from."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from likemark.db.errors import ModelDamaged
from likemark.retrieval.files import whole_file
from likemark.retrieval.training.step import Gallery


@dataclass(slots=True)
class State:
    network: nn.Module
    average: nn.Module  # the moving average of its weights: what is validated and kept
    optimiser: torch.optim.Optimizer
    gallery: Gallery
    step: int = 0  # steps done
    best: float = -1.0  # validation mAP, -1 before the first
    best_step: int = 0

    def save(self, path: Path, settings: dict[str, Any]) -> None:
        from safetensors.torch import save

        facts = {"step": self.step, "best": self.best, "best_step": self.best_step,
                 "settings": settings}  # fmt: skip
        data = save(self._tensors(), {"training": json.dumps(facts)})
        with whole_file(path) as stream:
            stream.write(data)

    def load(self, path: Path) -> None:
        """Raises ModelDamaged when the file is not this network's."""
        from safetensors.torch import load_file

        facts = read_facts(path)
        try:
            self._take(load_file(path))
        except (KeyError, RuntimeError, OSError) as error:
            raise ModelDamaged(f"{path}: cannot be gone on from: {error}") from error
        self.step, self.best = int(facts["step"]), float(facts["best"])
        self.best_step = int(facts["best_step"])

    def _tensors(self) -> dict[str, torch.Tensor]:
        tensors = {"gallery.rows": self.gallery.rows, "gallery.groups": self.gallery.groups}
        for part in ("network", "average"):
            module: nn.Module = getattr(self, part)
            tensors |= {f"{part}.{key}": value for key, value in module.state_dict().items()}
        for name, parameter in self.network.named_parameters():
            held = self.optimiser.state.get(parameter, {})
            tensors |= {f"optimiser.{key}.{name}": value for key, value in held.items()}
        return {key: value.detach().cpu().contiguous() for key, value in tensors.items()}

    def _take(self, tensors: dict[str, torch.Tensor]) -> None:
        for part in ("network", "average"):
            module: nn.Module = getattr(self, part)
            module.load_state_dict(_under(f"{part}.", tensors))
        device = self.gallery.rows.device
        self.gallery.rows = tensors["gallery.rows"].to(device)
        self.gallery.groups = tensors["gallery.groups"].to(device)
        for name, parameter in self.network.named_parameters():
            held = {
                key: tensors[f"optimiser.{key}.{name}"]
                for key in ("step", "exp_avg", "exp_avg_sq")
                if f"optimiser.{key}.{name}" in tensors
            }
            if held:
                moved = {k: v if k == "step" else v.to(parameter.device) for k, v in held.items()}
                self.optimiser.state[parameter] = moved


def read_facts(path: Path) -> dict[str, Any]:
    """What a checkpoint says of itself. Raises ModelDamaged."""
    import safetensors

    try:
        with safetensors.safe_open(path, "pt") as file:
            facts: dict[str, Any] = json.loads((file.metadata() or {})["training"])
    except (OSError, KeyError, ValueError, safetensors.SafetensorError) as error:
        raise ModelDamaged(f"{path}: no checkpoint of a training: {error}") from error
    return facts


def _under(prefix: str, tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
