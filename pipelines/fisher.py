"""Observe every source's network on every target's images: fishers/<target>/<source>/<repeat>.safetensors."""

from taskzoo.entry import stage
from taskzoo.fisher.pairs import observe_pairs
from taskzoo.params import load_params
from taskzoo.probe.network import initial_state
from taskzoo.workflow.workspace import FISHERS, load_named_task, probe_paths


def fisher() -> None:
    """Compute the cells that are missing or out of date; keep the others."""
    params = load_params()
    targets = [load_named_task(name, params, ("train", "val")) for name in params.tasks]
    probes = {name: probe_paths(name, params) for name in params.tasks}
    observe_pairs(probes, initial_state(params.probe), targets, params.probe, params.fisher, FISHERS)


if __name__ == "__main__":
    stage(fisher)
