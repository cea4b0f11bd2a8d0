"""The table of what the exact Fisher covers: ``fisher-coverage.md``, measured on a member of every timm family.

Run it from the project's folder whenever the engine or timm changes: ``python -m docs.coverage``.
"""

import sys
from importlib.metadata import version
from pathlib import Path

import torch

from taskzoo.files import write_text
from tests.fisher.coverage import EXACT, MIXING, ROUNDED, SAMPLES, Coverage, measure
from tests.fisher.families import FAMILIES, LEFT_OUT

PAGE = Path(__file__).resolve().parent / "fisher-coverage.md"
HEAD = ("family", "member", "parameters", "closed form or pulled back", "one by one", "largest relative error")
EMPTY = "none"


def main() -> int:
    """Return the exit status after measuring every member and writing the page."""
    torch.set_num_threads(1)
    rows = {}
    for key in FAMILIES:
        rows[key] = measure(key)
        print(f"{key}: {rows[key].error:.1e} {rows[key].told}", file=sys.stderr)
    write_text(PAGE, page(rows))
    return 0


def page(rows: dict[str, Coverage]) -> str:
    """Return the page.

    Args:
        rows: What was measured, by key of FAMILIES.

    Returns:
        Markdown.
    """
    families = {key.partition("/")[0] for key in rows}
    whole = sum(not row.one_by_one for row in rows.values())
    lines = [
        "# What the exact Fisher covers",
        "",
        "`fisher` is exact for every network whose samples do not influence each other. It is fast where it takes "
        "per-sample gradients of a whole batch in one backward pass; the parameters it cannot take so are found out "
        "and take one backward pass a sample. "
        f"Here is every architecture family of timm {version('timm')} ({len(families)} families, {len(rows)} members; "
        f"a member is small, but has its family's layers), on torch {version('torch')}: {whole} members need no "
        "backward pass a sample at all.",
        "",
        "Parameters are counted as tensors. A gradient is *pulled back* where the network makes something of a "
        "parameter (a standardised weight, a gathered table of biases) before it meets the batch. The error is the "
        f"largest difference from the float64 reference (`taskzoo/fisher/reference.py`) on {SAMPLES} images, as a "
        f"share of the parameter's largest entry; tests ask for {EXACT:.0e}.",
        "",
        row(HEAD),
        row(["---"] * len(HEAD)),
        *(row(cells(key, found)) for key, found in rows.items()),
        "",
        *notes("Computed in float32 inside", ROUNDED),
        *notes("Samples influence each other", MIXING),
        *notes("Left out", LEFT_OUT),
        "Written by `python -m docs.coverage`.",
    ]
    return "\n".join(lines) + "\n"


def cells(key: str, found: Coverage) -> list[str]:
    """Return a row of the table."""
    served = len(found.parameters) - len(found.one_by_one)
    counts = [str(len(found.parameters)), str(served)]
    return [key, f"`{FAMILIES[key].name}`", *counts, found.told or EMPTY, f"{found.error:.0e}"]


def row(texts: list[str] | tuple[str, ...]) -> str:
    """Return a line of a Markdown table."""
    return f"| {' | '.join(texts)} |"


def notes(title: str, reasons: dict[str, str]) -> list[str]:
    """Return a sentence for each member with something to tell."""
    return [line for key, reason in reasons.items() for line in (f"{title}: {key}, {reason}.", "")]


if __name__ == "__main__":
    sys.exit(main())
