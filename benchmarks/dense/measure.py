"""The sources' skill, and every measure of every pair."""

from benchmarks.dense.inputs import initial, paths, task, train_sources
from benchmarks.dense.settings import CACHE, FISHER, MEASURES, PROBE, RESULTS, TASKS
from taskzoo.distance.appearance import Appearance
from taskzoo.distance.compute import compute_distances, saved_appearance
from taskzoo.files import write_text
from taskzoo.fisher.pairs import NO_TRANSFER, observe_pairs
from taskzoo.params import MeasureName

SKILLS = RESULTS / "skills.csv"
DISTANCES = RESULTS / "distances.csv"


def measure_distances(repeats: int) -> None:
    """Train the sources, observe all pairs, and write skills and distances.

    Args:
        repeats: Trainings of a source.
    """
    lines = [
        f"{name},{record.repeat},{record.score:.4f}\n"
        for name, records in train_sources(repeats).items()
        for record in records
    ]
    write_text(SKILLS, "task,repeat,skill\n" + "".join(lines))
    folder = CACHE / "observations"
    observe_pairs(paths(repeats), initial(), [task(name) for name in TASKS], PROBE, FISHER, folder)
    looks: dict[str, Appearance] = {name: saved_appearance(folder, name, repeats) for name in TASKS}
    ranked_by: dict[str, MeasureName] = dict.fromkeys(TASKS, "ftd")  # Which has no halves: nobody reads them here.
    found = compute_distances(folder, [*TASKS, NO_TRANSFER], TASKS, repeats, MEASURES, ranked_by, looks)
    write_text(DISTANCES, found.table().to_csv(index=False, float_format="%.6g"))
