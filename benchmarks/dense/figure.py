"""The atlas: which tasks lie near each other, by a measure and by Taskonomy's affinities."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import seaborn
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.cluster.hierarchy import dendrogram, linkage
from scipy.spatial.distance import squareform

from benchmarks.dense.agreement import source_ranks
from benchmarks.dense.settings import TASKS
from taskzoo.report.figures.style import DARK, PALE, frame, house_style

Array = npt.NDArray[np.float64]
LABELS = {
    "depth_euclidean": "distance",
    "depth_zbuffer": "z-depth",
    "edge_occlusion": "3D edges",
    "edge_texture": "2D edges",
    "keypoints2d": "2D keypoints",
    "keypoints3d": "3D keypoints",
    "normal": "normals",
    "principal_curvature": "curvature",
    "reshading": "reshading",
    "autoencoding": "autoencoding",
}


def atlas(panels: Mapping[str, Array], title: str, caption: str) -> Figure:
    """Draw a tree of the tasks above the ranks of their sources, panel by panel.

    Args:
        panels: Nearness [T, S] by title; higher is nearer.
        title: Of the figure.
        caption: Of the figure.

    Returns:
        The figure.
    """
    with house_style():
        figure = Figure(figsize=(6.2 * len(panels), 6.6))
        grid = figure.add_gridspec(2, len(panels), height_ratios=[1, 3.2])
        for column, (name, nearness) in enumerate(panels.items()):
            above = figure.add_subplot(grid[0, column])
            _draw(above, figure.add_subplot(grid[1, column]), source_ranks(nearness), name)
        frame(figure, title, caption)
    return figure


def tree(ranks: Array) -> Array:
    """Return scipy's linkage of the tasks: average linkage of the mean of the ranks in both directions."""
    apart = (ranks + ranks.T) / 2
    np.fill_diagonal(apart, 0)
    return np.asarray(linkage(squareform(apart), "average"))


def _draw(above: Axes, below: Axes, ranks: Array, title: str) -> None:
    # Drawn on its axes 5, 15, ... wide, so that the leaves stand above the matrix's columns.
    drawn = dendrogram(tree(ranks), ax=above, no_labels=True, color_threshold=0, above_threshold_color=DARK)
    order = np.array(drawn["leaves"])
    above.set_title(title)
    above.set_yticks([])
    above.spines["left"].set_visible(False)
    above.spines["bottom"].set_visible(False)
    names = [LABELS[TASKS[each]] for each in order]
    below.set_facecolor(PALE)
    seaborn.heatmap(
        ranks[np.ix_(order, order)],
        annot=True,
        fmt=".0f",
        annot_kws={"fontsize": 9},
        cmap="YlGnBu_r",
        cbar=False,
        linewidths=1,
        linecolor="white",
        xticklabels=names,
        yticklabels=names,
        ax=below,
    )
    below.tick_params(axis="x", rotation=45)
    below.set_xlabel("source")
    below.set_ylabel("target")
