"""Search the full space for one task and train what was found: searches/<task>."""

from pathlib import Path

from taskzoo.data.tasks import load_task
from taskzoo.entry import stage
from taskzoo.params import load_params
from taskzoo.probe.storage import load_backbone
from taskzoo.search.run import make_space
from taskzoo.search.tuning import make_problem, write_search
from taskzoo.workflow.comparing import search_arms


def search(name: str) -> None:
    """Search for task ``name`` on the trunk of its own probe; choose on validation images, test once."""
    params = load_params()
    spec = params.tasks[name]
    task = load_task(name, spec, Path("data") / spec.dataset, params.sizes, params.probe.image_size, params.seed)
    space = make_space(params.search, params.probe, load_backbone(Path("probes") / name / "0.safetensors"))
    trials, arms = search_arms({"full": space}, make_problem(task, params.search, params.probe), params)
    metrics = write_search(Path("searches") / name, task, space, arms, trials, params.search, params.probe)
    print(f"{name}: test accuracy {metrics['tuned_test_accuracy']:.3f}, {metrics['parameters']:,.0f} parameters")


if __name__ == "__main__":
    stage(search)
