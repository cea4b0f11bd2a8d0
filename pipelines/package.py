"""Put all that the registry needs of each task into one folder: packages/<task>."""

from pathlib import Path

from taskzoo.distance.matrix import Distances
from taskzoo.entry import stage
from taskzoo.files import new_folder
from taskzoo.params import load_params
from taskzoo.registry.records import read_json
from taskzoo.workflow.packaging import Parts, package_task


def package() -> None:
    """Write the packages of all tasks; the folder is replaced as a whole."""
    params = load_params()
    distances = read_json(Path("distances/distances.json"), Distances)
    with new_folder(Path("packages")) as folder:
        for name, spec in params.tasks.items():
            parts = Parts(
                data=Path("data") / spec.dataset,
                validation=Path("validation") / spec.dataset,
                probes=[Path("probes") / name / f"{repeat}.safetensors" for repeat in range(params.train.repeats)],
                observations=Path("fishers"),
                search=Path("searches") / name,
            )
            written = package_task(name, spec, parts, distances, params, folder / name)
            print(f"{name}: package {written.digest[:12]}")


if __name__ == "__main__":
    stage(package)
