"""What people read about a registered version, and the image that shows how to ask it."""

import io
from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image

from taskzoo.recommend.narrowing import Narrowing
from taskzoo.registry.package import Package
from taskzoo.search.finalists import FINALISTS

CLOSEST = 5


def describe_package(package: Package) -> str:
    """Return a version's description in markdown: what the task is, how well it went, what it is close to."""
    card, facts = package.card, package.distances.facts[package.distances.ranked_by]
    images = ", ".join(f"{split} {sum(classes.values())}" for split, classes in sorted(card.dataset.counts.items()))
    accuracies = ", ".join(f"{accuracy:.3f}" for accuracy in card.train.accuracies)
    rows = [
        ("data set", f"{_data(package)} ({images}), digest `{card.dataset.digest[:12]}`"),
        _asked(package),
        ("probe", f"{card.probe.backbone}, fingerprint `{card.fingerprint}`"),
        ("probe accuracy (validation, each repeat)", accuracies),
        (f"reaches 1 - eps = {1 - card.train.eps:g}", "yes" if card.train.reached else "no"),
        ("space searched", package.search.kind),
        ("network", FINALISTS[package.network.finalist]),
        *((name, f"{value:.4g}") for name, value in sorted(package.metrics.items())),
    ]
    order = "low" if facts.lower_is_closer else "high"
    ranking = "\n".join(
        f"{place}. {source} ({value:.4g})"
        for place, (source, value) in enumerate(package.distances.ranking()[:CLOSEST], start=1)
    )
    return (
        f"The vision task **{card.name}**.\n\n| | |\n|---|---|\n"
        + "".join(f"| {name} | {value} |\n" for name, value in rows)
        + f"\nClosest sources by {package.distances.ranked_by} ({order} is close, mean over "
        f"{package.repeats} repeats):\n\n{ranking}\n"
    )


def describe_narrowing(target: str, narrowing: Narrowing) -> str:
    """Return in markdown what was cut from the search of a target, and why."""
    lines = [f"# What the search for {target} keeps", narrowing.reason]
    if narrowing.sources:
        lines += [
            "Beside each option is the share of the sources' elites that use it, weighted by source; the most used one "
            "always stays.",
            "| decision | kept | cut away |\n|---|---|---|\n"
            + "\n".join(
                f"| {decision} | {_shares(shares, narrowing.keep[decision])} | "
                f"{_shares(shares, narrowing.cut[decision]) or 'nothing'} |"
                for decision, shares in sorted(narrowing.shares.items())
            ),
        ]
    return "\n\n".join(lines) + "\n"


def _shares(shares: Mapping[str, float], options: Sequence[str]) -> str:
    """Return the options with their shares, the greatest first."""
    return ", ".join(f"{option} {shares[option]:.2f}" for option in sorted(options, key=lambda each: -shares[each]))


def headline(package: Package) -> dict[str, str]:
    """Return what the list of models shows of a task, short enough to be read there."""
    closest, _ = package.distances.ranking()[0]
    pixels, accuracy = package.network.pixels, package.metrics.get("tuned_test_accuracy")
    asked = {"classes": str(len(package.card.classes))} if pixels is None else {"target": pixels.target}
    shown = {"data": _data(package), **asked, "closest": closest}
    name = "accuracy" if pixels is None else "skill"
    return shown if accuracy is None else shown | {name: f"{accuracy:.3f}"}


def _data(package: Package) -> str:
    """Return the data set's name, marked where its images are made up."""
    dataset = package.card.dataset
    return f"{dataset.name}, synthetic" if dataset.synthetic else dataset.name


def _asked(package: Package) -> tuple[str, str]:
    """Return what a task asks: its classes, or its dense target and what stands for the accuracy there."""
    pixels, classes = package.network.pixels, package.card.classes
    if pixels is None:
        return "classes", f"{len(classes)}: {_some(classes)}"
    kind = pixels.form().domain.likelihood
    return "dense target", (
        f"{pixels.target} ({kind}); accuracy here is skill, the share of the best constant's loss that is taken away"
    )


def _some(classes: tuple[str, ...]) -> str:
    shown = ", ".join(classes[:10])
    return shown if len(classes) <= 10 else f"{shown}, ..."


def example_image(package: Package) -> bytes:
    """Return a PNG of a grey ramp, as large as the probe's input; packages hold no images of their own."""
    side = package.card.probe.image_size
    ramp = np.linspace(0, 255, side, dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(np.broadcast_to(ramp, (side, side)).copy()).save(buffer, "PNG")
    return buffer.getvalue()
