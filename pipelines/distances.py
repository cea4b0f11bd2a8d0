"""Compute every measure for all pairs and repeats: distances/distances.json."""

from taskzoo.distance.compute import compute_distances, saved_appearance
from taskzoo.entry import stage
from taskzoo.files import write_json
from taskzoo.fisher.pairs import NO_TRANSFER
from taskzoo.params import load_params
from taskzoo.workflow.workspace import DISTANCES, FISHERS


def distances() -> None:
    """Compute the distance matrices: rows sources, columns targets."""
    params = load_params()
    tasks = list(params.tasks)
    repeats, measures = params.train.repeats, params.distance.measures
    ranked_by = {name: params.recommend.ranks(task) for name, task in params.tasks.items()}
    looks = {name: saved_appearance(FISHERS, name, repeats) for name in tasks}
    found = compute_distances(FISHERS, [*tasks, NO_TRANSFER], tasks, repeats, measures, ranked_by, looks)
    write_json(DISTANCES, found.model_dump(mode="json"))
    print(f"{len(found.values)} measures of {len(found.sources)} sources on {len(tasks)} targets")


if __name__ == "__main__":
    stage(distances)
