"""Bring one data set into its canonical form: data/<name>."""

from pathlib import Path

from taskzoo.data.store import build_dataset
from taskzoo.entry import stage
from taskzoo.params import load_params


def dataset(name: str) -> None:
    """Read the source of data set ``name``, split it and write Parquet and manifest."""
    params = load_params()
    manifest = build_dataset(name, params.datasets[name], params.split, Path("data") / name)
    print(f"{name}: {manifest.images} images, {len(manifest.classes)} classes, digest {manifest.digest[:12]}")


if __name__ == "__main__":
    stage(dataset)
