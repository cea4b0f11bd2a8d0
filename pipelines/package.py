"""Put all that the registry needs of each task into one folder: packages/<task>."""

from taskzoo.distance.matrix import Distances
from taskzoo.entry import stage
from taskzoo.files import new_folder
from taskzoo.params import load_params
from taskzoo.records import read_json
from taskzoo.workflow.packaging import Parts, package_task
from taskzoo.workflow.workspace import DATA, DISTANCES, FISHERS, PACKAGES, SEARCHES, VALIDATION, probe_paths


def package() -> None:
    """Write the packages of all tasks; the folder is replaced as a whole."""
    params = load_params()
    distances = read_json(DISTANCES, Distances, "distances")
    with new_folder(PACKAGES) as folder:
        for name, spec in params.tasks.items():
            parts = Parts(
                data=DATA / spec.dataset,
                validation=VALIDATION / spec.dataset,
                probes=probe_paths(name, params),
                observations=FISHERS,
                search=SEARCHES / name,
            )
            written = package_task(name, spec, parts, distances, params, folder / name)
            print(f"{name}: package {written.digest[:12]}")


if __name__ == "__main__":
    stage(package)
