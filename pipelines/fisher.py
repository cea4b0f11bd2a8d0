"""Observe every source's network on every target's images: fishers/<target>/<source>/<repeat>.safetensors."""

from pathlib import Path

from taskzoo.data.tasks import load_task
from taskzoo.entry import stage
from taskzoo.fisher.pairs import observe_pairs
from taskzoo.params import load_params
from taskzoo.probe.network import initial_state


def fisher() -> None:
    """Compute the cells that are missing or out of date; keep the others."""
    params = load_params()
    targets = [
        load_task(
            name,
            spec,
            Path("data") / spec.dataset,
            params.sizes,
            params.probe.image_size,
            params.seed,
            ("train", "val"),
        )
        for name, spec in params.tasks.items()
    ]
    probes = {
        name: [Path("probes") / name / f"{r}.safetensors" for r in range(params.train.repeats)] for name in params.tasks
    }
    observe_pairs(probes, initial_state(params.probe), targets, params.probe, params.fisher, Path("fishers"))


if __name__ == "__main__":
    stage(fisher)
