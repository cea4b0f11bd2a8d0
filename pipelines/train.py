"""Train every task's probes from the shared initial state: probes/<task>/<repeat>.safetensors."""

from statistics import mean, stdev

from taskzoo.entry import stage
from taskzoo.files import remove_others
from taskzoo.params import load_params
from taskzoo.probe.network import initial_state
from taskzoo.probe.probes import train_probes
from taskzoo.workflow.workspace import PROBES, load_named_task


def train() -> None:
    """Train the probes that are missing or out of date, and say which reach the wanted validation accuracy."""
    params = load_params()
    wanted = 1 - params.train.eps
    remove_others(PROBES, params.tasks)
    tasks = {PROBES / name: load_named_task(name, params, ("train", "val")) for name in params.tasks}
    for folder, records in train_probes(tasks, params.probe, params.train, initial_state(params.probe)).items():
        scores = [record.score for record in records]
        reached = "reached" if min(scores) >= wanted else "NOT reached"
        spread = f"{mean(scores):.3f} +- {stdev(scores):.3f}"
        print(f"{folder.name}: validation score {spread} ({wanted:g} {reached} by every repeat)")


if __name__ == "__main__":
    stage(train)
