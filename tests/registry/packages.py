"""Small but real packages: a probe, a network, Fishers and distances, without any training."""

import io
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from taskzoo.data.manifest import Manifest, ManifestSource
from taskzoo.distance.appearance import Appearance, Cloud
from taskzoo.distance.matrix import DistanceColumn, References
from taskzoo.distance.protocol import MeasureFacts
from taskzoo.files import digest_json
from taskzoo.fisher.summary import FisherProvenance, save_fisher
from taskzoo.params import CellsParams, ProbeParams, SearchParams, SizeParams, TaskParams
from taskzoo.probe.network import build_probe, fingerprint, initial_state
from taskzoo.probe.storage import ProbeRecord, save_probe
from taskzoo.registry.package import Package, PackageContents, write_package
from taskzoo.registry.records import TaskCard, TrainRecord
from taskzoo.search.network import describe_network, save_network
from taskzoo.search.results import Elites, SearchRecord, Trial, elites
from taskzoo.search.space import decode, sample
from taskzoo.search.spaces import make_space

CLASSES = ("cat", "dog", "rest")
PROBE = ProbeParams(image_size=32)
SOURCES = ("no-transfer", "near", "far")
CELLS = SearchParams(cells=CellsParams(nodes=2, width=8))


def make_package(
    folder: Path, name: str, seed: int = 0, repeats: int = 2, trials: int = 4, search: SearchParams = CELLS
) -> Package:
    """Write a package whose weights are random from ``seed``."""
    parts = folder.with_name(f"{folder.name}-parts")
    state = initial_state(PROBE)
    space = make_space(search, PROBE, state)
    card = _card(name, seed, repeats, fingerprint(PROBE, state))
    probes, fishers = [], []
    for repeat in range(repeats):
        torch.manual_seed(100 * seed + repeat)
        probe = build_probe(PROBE, len(CLASSES), state)
        probes.append(parts / f"{repeat}.safetensors")
        record = ProbeRecord(
            task=name,
            task_digest=card.task_digest,
            fingerprint=card.fingerprint,
            repeat=repeat,
            classes=CLASSES,
            score=card.train.accuracies[repeat],
            curve=(1.1, 0.8, 0.5),
            key="k",
        )
        save_probe(probes[-1], probe, record)
        fishers.append(parts / f"fisher-{repeat}.safetensors")
        values = {key: torch.rand_like(value) for key, value in probe.backbone.named_parameters()}
        save_fisher(fishers[-1], values, _provenance(card, repeat))
    rng = np.random.default_rng(seed)
    found = [
        Trial(
            strategy=("random", "fuse")[number % 2],
            arm="full",
            seed=0,
            number=number + 1,
            architecture=decode(space, sample(space, rng)),
            reward=0.5 + 0.01 * number,
            accuracy=0.5 + 0.01 * number,
            parameters=1000 + number,
            macs=5000,
        )
        for number in range(trials)
    ]
    architecture = sample(space, rng)
    torch.manual_seed(seed)
    network = space.assemble(architecture, space.build(architecture, len(CLASSES)))
    save_network(parts, describe_network(space, architecture, PROBE, CLASSES), network)
    figure = parts / "distances.png"
    figure.write_bytes(png(seed))
    options = {choice.name: choice.options for choice in space.choices}
    contents = PackageContents(
        card=card,
        probes=probes,
        fishers=fishers,
        network=parts,
        elites=Elites(task=name, elites=tuple(elites(found, 2))),
        search=SearchRecord(
            task=name,
            kind=search.space,
            backbone=PROBE.backbone,
            options={"full": options},
            trials=tuple(found),
        ),
        distances=_column(name, repeats),
        appearance=Appearance(
            features=Cloud(mean=(float(seed), 1.0, 0.0), variance=2.0, images=30),
            pixels=Cloud(mean=(0.5, 0.1), variance=0.2, images=30),
            classes=2,
        ),
        metrics={"val_accuracy": 0.9, "test_accuracy": 0.88, "parameters": 1234.0},
        figures=[figure],
    )
    return write_package(folder, contents)


def png(seed: int, side: int = 20) -> bytes:
    """Return a random colour picture."""
    pixels = np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def _card(name: str, seed: int, repeats: int, probe: str) -> TaskCard:
    counts = {"train": dict.fromkeys(CLASSES, 30), "val": dict.fromkeys(CLASSES, 10)}
    return TaskCard(
        name=name,
        dataset=Manifest.model_validate(
            {
                "name": "pets",
                "digest": digest_json("pets"),
                "classes": list(CLASSES),
                "images": 150,
                "counts": {**counts, "test": dict.fromkeys(CLASSES, 10)},
                "groups": False,
                "channels": [3],
                "min_width": 20,
                "max_width": 40,
                "min_height": 20,
                "max_height": 40,
                "source": ManifestSource(format="folder", path="pets"),
            }
        ),
        validation={"decodable": True, "duplicate": False},
        labels=TaskParams(dataset="pets"),
        task_digest=digest_json([name, seed]),
        classes=CLASSES,
        sizes=SizeParams(),
        probe=PROBE,
        fingerprint=probe,
        train=TrainRecord(accuracies=tuple(0.9 + 0.01 * repeat for repeat in range(repeats)), eps=0.1, reached=True),
    )


def _provenance(card: TaskCard, repeat: int) -> FisherProvenance:
    return FisherProvenance(
        fingerprint=card.fingerprint,
        source=card.name,
        target=card.name,
        target_digest=card.task_digest,
        repeat=repeat,
        labels="data",
        images=8,
        head_images=8,
        dtype="float32",
    )


def _column(name: str, repeats: int) -> DistanceColumn:
    lower = MeasureFacts(
        lower_is_closer=True, symmetric=False, range=(0, 1), needs_labels=True, dense=True, source="a paper"
    )
    higher = MeasureFacts(
        lower_is_closer=False, symmetric=False, range=(None, 1), needs_labels=True, dense=False, source="a paper"
    )
    values = {
        source: [0.1 + 0.2 * place + 0.01 * repeat for repeat in range(repeats)]
        for place, source in enumerate((name, *SOURCES))
    }
    return DistanceColumn(
        target=name,
        ranked_by="ftd",
        facts={"ftd": lower, "ridge_loo": higher},
        values={"ftd": values, "ridge_loo": values},
        halves={},
        references=dict.fromkeys(("ftd", "ridge_loo"), References(itself=[0.0, 0.1], chance=[0.9, 1.0])),
        classes=dict.fromkeys(values, 2),
    )
