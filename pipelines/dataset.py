"""Bring one data set into its canonical form: data/<name>."""

from pathlib import Path

from taskzoo.data.store import build_dataset
from taskzoo.entry import stage
from taskzoo.params import load_params


def dataset(name: str) -> None:
    """Read the source of data set ``name``, split it and write Parquet and manifest."""
    params = load_params()
    manifest = build_dataset(name, params.datasets[name], params.split, Path("data") / name)
    images = f"{manifest.images} {'synthetic images' if manifest.synthetic else 'images'}"
    targets = f"{len(manifest.classes)} classes" if manifest.classes else f"{len(manifest.domains)} domains"
    print(f"{name}: {images}, {targets}, digest {manifest.digest[:12]}")


if __name__ == "__main__":
    stage(dataset)
