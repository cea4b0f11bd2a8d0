"""Train the probes of one task: probes/<task>."""

from statistics import mean, stdev

from taskzoo.entry import stage
from taskzoo.files import new_folder, write_json
from taskzoo.params import load_params
from taskzoo.probe.network import initial_state
from taskzoo.probe.probes import train_probes
from taskzoo.workflow.workspace import PROBES, load_named_task


def train(name: str) -> None:
    """Train task ``name`` from the shared initial state, once a repeat, and score it on validation images."""
    params = load_params()
    task = load_named_task(name, params, ("train", "val"))
    with new_folder(PROBES / name) as folder:
        records = train_probes(task, params.probe, params.train, initial_state(params.probe), folder)
        scores = [record.accuracy for record in records]
        reached = min(scores) >= 1 - params.train.eps
        write_json(
            folder / "metrics.json",
            {"accuracy": mean(scores), "accuracy_std": stdev(scores), "reached_1_minus_eps": reached},
        )
    wanted = f"{'reached' if reached else 'NOT reached'} by every repeat: {1 - params.train.eps:g}"
    print(f"{name}: validation accuracy {mean(scores):.3f} +- {stdev(scores):.3f} ({wanted})")


if __name__ == "__main__":
    stage(train)
