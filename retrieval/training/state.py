"""A training's whole state in one safetensors file: what a killed run goes on from."""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import torch
from torch import nn

from likemark.db.errors import ModelDamaged
from likemark.retrieval.files import whole_file
from likemark.retrieval.training.task import Task

_OPTIMISER = "optimiser."
_OURS = ("network.", "average.", _OPTIMISER)  # all else is the task's own


@dataclass(slots=True)
class State:
    task: Task  # its network, and what else it has
    average: nn.Module  # the moving average of the network's weights: what is validated and kept
    optimiser: torch.optim.Optimizer
    step: int = 0  # steps done
    best: float = -1.0  # what validation measured, -1 before the first
    best_step: int = 0

    @classmethod
    def of(cls, task: Task) -> Self:
        """Before the first step."""
        optimiser = task.optimiser()
        return cls(task, copy.deepcopy(task.network).eval(), optimiser)

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

    def _modules(self) -> tuple[tuple[str, nn.Module], ...]:
        return ("network", self.task.network), ("average", self.average)

    def _tensors(self) -> dict[str, torch.Tensor]:
        tensors = dict(self.task.state())
        for part, module in self._modules():
            tensors |= {f"{part}.{key}": value for key, value in module.state_dict().items()}
        for name, parameter in self.task.network.named_parameters():
            held = self.optimiser.state.get(parameter, {})
            tensors |= {f"{_OPTIMISER}{key}.{name}": value for key, value in held.items()
                        if isinstance(value, torch.Tensor)}  # fmt: skip
        return {key: value.detach().cpu().contiguous() for key, value in tensors.items()}

    def _take(self, tensors: dict[str, torch.Tensor]) -> None:
        for part, module in self._modules():
            module.load_state_dict(_under(f"{part}.", tensors))
        parameters = dict(self.task.network.named_parameters())
        for place, value in _under(_OPTIMISER, tensors).items():
            key, _, name = place.partition(".")
            parameter = parameters[name]
            # Steps are counted on the CPU, wherever the weights are.
            moved = value if key == "step" else value.to(parameter.device)
            self.optimiser.state[parameter][key] = moved
        self.task.load({k: v for k, v in tensors.items() if not k.startswith(_OURS)})


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
