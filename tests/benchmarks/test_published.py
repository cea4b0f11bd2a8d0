"""The published tables, the figures of agreement by hand, the scripts' defects, and the committed page."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import stats
from torch import Tensor, nn

from benchmarks.environment import environments
from benchmarks.published import agreement, cells, variants
from benchmarks.published.agreement import Array, nearest, rank_correlation
from benchmarks.published.evaluate import Found, among_published, evaluate, headline
from benchmarks.published.figure import matrices_figure
from benchmarks.published.papers import papers
from benchmarks.published.report import disappointments, goals, page
from benchmarks.published.settings import ENVIRONMENTS, FAMILIES, HERE, LD_FAMILY, SEEDS, pairs, zoo
from benchmarks.published.variants import VARIANTS, Padded, batch_fisher, logdet_by_tensor, widened
from taskzoo.data.store import build_dataset
from taskzoo.data.tasks import load_task
from taskzoo.distance.ftd import ftd, ftd_reference_squared
from taskzoo.distance.logdet import logdet
from taskzoo.errors import InputError
from taskzoo.fisher.diagonal import fisher
from taskzoo.params import DatasetParams, FisherParams, ProbeParams, SizeParams, SplitParams, TaskParams
from taskzoo.probe.network import Probe
from taskzoo.probe.training import Recipe
from tests.distance.examples import observation

MATRIX = np.array([[0.0, 0.3, 0.9], [0.2, 0.0, 0.1], [0.4, 0.5, 0.0]])
PUBLISHED_NEAREST = {"mnist": [1, 0, 3, 2], "cifar": [1, 0, 3, 2], "ld-nas": [1, 0, 3, 7, 5, 4, 7, 6]}


@pytest.mark.parametrize("name", PUBLISHED_NEAREST)
def test_published_tables_have_the_minima_that_the_papers_name_in_every_network(name: str) -> None:
    paper = papers()[name]
    assert set(paper.tasks) <= set(zoo().tasks)
    for network in paper.networks.values():
        assert nearest(np.array(network.mean)) == PUBLISHED_NEAREST[name]
    assert nearest(paper.mean()) == PUBLISHED_NEAREST[name]


def test_published_figures_stand_where_the_papers_have_them() -> None:
    vgg = papers()["mnist"].networks["VGG-16"]
    assert (vgg.mean[3][2], vgg.std[0][2]) == (0.1882, 0.0398)
    assert papers()["ld-nas"].networks["VGG-16"].mean[7][3] == 0.23
    assert papers()["mnist"].mean()[1, 0] == pytest.approx((0.1366 + 0.2925 + 0.2364) / 3)
    assert len(among_published(papers()["cifar"])) == 3


@pytest.mark.parametrize(
    ("matrix", "complaint"), [("[[0, 1], [1]]", "2 rows of 2"), ("[[0, 1], [1, 2]]", "diagonal"), ("[[0]]", "2 rows")]
)
def test_published_tables_that_do_not_fit_are_refused(tmp_path: Path, matrix: str, complaint: str) -> None:
    path = tmp_path / "papers.yaml"
    path.write_text(
        "s: {paper: p, origin: o, digitised: true, measure: ftd, tasks: [a, b], "
        f"networks: {{n: {{mean: {matrix}, std: {matrix}}}}}}}"
    )
    with pytest.raises(InputError, match=complaint):
        papers(path)


def test_pairs_are_those_within_a_set_and_only_one_family_measures_ld_nas() -> None:
    assert len(pairs(LD_FAMILY)) == 8 * 7 + 4 * 3 - 3 * 2
    assert [len(pairs(family)) for family in FAMILIES if family != LD_FAMILY] == [24, 24]


def test_nearest_source_is_the_least_of_a_column_without_the_target() -> None:
    assert nearest(MATRIX) == [1, 0, 1]
    assert agreement.agreeing(MATRIX, [1, 2, 1]) == [True, False, True]
    assert agreement.seed_shares(np.array([MATRIX, MATRIX.T]), [1, 2, 1]) == [1.0, 0.5, 0.5]


def test_rank_correlation_is_spearmans_off_the_diagonal() -> None:
    other = np.array([[0.0, 1.0, 2.0], [2.0, 0.0, 5.0], [3.0, 9.0, 0.0]])
    ours, theirs = [0.3, 0.9, 0.2, 0.1, 0.4, 0.5], [1.0, 2.0, 2.0, 5.0, 3.0, 9.0]
    assert rank_correlation(MATRIX, other) == pytest.approx(stats.spearmanr(ours, theirs).statistic)
    assert rank_correlation(MATRIX, MATRIX**2) == pytest.approx(1)


def test_interval_is_a_point_where_all_seeds_are_alike_and_wide_where_they_are_not() -> None:
    alike = np.array([MATRIX] * 4)
    assert agreement.correlation_interval(alike, MATRIX) == pytest.approx((1, 1))
    low, high = agreement.correlation_interval(np.array([MATRIX, MATRIX.T, 1 - MATRIX]), MATRIX)
    assert -1 <= low < 0.5 < high <= 1


def test_seeds_with_missing_pairs_are_left_out() -> None:
    table = pd.DataFrame(
        [(0, "a", "b", 0.5), (0, "b", "a", 0.25), (1, "a", "b", 0.5), (0, "c", "a", 0.1)],
        columns=["seed", "source", "target", "ftd"],
    )
    assert agreement.cube(table, ["a", "b"], "ftd").tolist() == [[[0, 0.5], [0.25, 0]]]


class Product(nn.Module):
    """Logits (w x, v x), whose gradients at w = v = 0 are known."""

    def __init__(self) -> None:
        super().__init__()
        self.w, self.v = nn.Parameter(torch.zeros(1)), nn.Parameter(torch.zeros(1))

    def forward(self, images: Tensor) -> Tensor:
        x = images.flatten(1)[:, :1]
        return torch.cat([self.w * x, self.v * x], dim=1)


def test_batch_gradients_are_not_the_fisher() -> None:
    # At zero both classes have probability 1/2, so the gradient of w for label 0 is x / 2, for label 1 it is -x / 2.
    images, labels = torch.tensor([1.0, 3.0, 5.0, 1.0])[:, None, None, None], torch.tensor([0, 1, 0, 0])
    exact = fisher(Product(), [(images, labels)])["w"]
    assert exact.item() == pytest.approx((1 + 9 + 25 + 1) / 16)
    assert batch_fisher(Product(), images, labels, 1)["w"].item() == pytest.approx(exact.item())
    pairs_of_two = ((1 - 3) ** 2 + (5 + 1) ** 2) / 2 / 16
    assert batch_fisher(Product(), images, labels, 2)["w"].item() == pytest.approx(pairs_of_two)
    assert batch_fisher(Product(), images, labels, 4)["w"].item() == pytest.approx((1 - 3 + 5 + 1) ** 2 / 64)


def test_batch_gradients_change_the_distance() -> None:
    # Two parameters. Per sample both networks have Fishers (1, 1): distance 0. The first network's gradients
    # of its second parameter are +1 and -1, which cancel in a batch of both: (1, 0) against (1, 1).
    exact = ftd(observation({"p": [1.0, 1.0]}), observation({"p": [1.0, 1.0]}))
    batch = ftd(observation({"p": [1.0, 0.0]}), observation({"p": [1.0, 1.0]}))
    assert exact == 0
    assert batch == pytest.approx(math.sqrt(1 - math.sqrt(0.5)))


def test_the_square_keeps_the_order_and_changes_the_numbers() -> None:
    near, far = observation({"p": [1.0, 2.0]}), observation({"p": [1.0, 9.0]})
    own = observation({"p": [1.0, 1.0]})
    roots = [ftd(one, own) for one in (near, far)]
    squares = [ftd_reference_squared(one, own) for one in (near, far)]
    assert squares == pytest.approx([root**2 for root in roots])
    assert roots[0] < roots[1]
    assert squares[0] < 0.5 * roots[0]


def test_absolute_values_of_single_tensors_are_an_upper_bound_of_the_log_determinant_distance() -> None:
    # Traces of one: (1/2, 1/4) and (1/4) against (1/4, 1/4) and (1/2). The logarithms' ratios sum to log 2 and -log 2.
    ab, bb = observation({"p": [2.0, 1.0], "q": [1.0]}), observation({"p": [1.0, 1.0], "q": [2.0]})
    assert logdet_by_tensor(ab, bb) == pytest.approx(2 * math.log(2) / 3)
    assert logdet(ab, bb) == pytest.approx(0, abs=1e-6)


def probe(classes: int) -> Probe:
    torch.manual_seed(classes)
    return Probe(nn.Sequential(nn.Flatten(), nn.Linear(3, 4), nn.Tanh()), 4, classes)


def test_padded_logits_compete_with_the_learned_ones() -> None:
    narrow, images = probe(2), torch.randn(5, 3, 1, 1)
    own, padded = narrow(images), Padded(narrow, 5)(images)
    assert torch.equal(padded, torch.cat([own, torch.zeros(5, 3)], dim=1))
    assert torch.equal(Padded(narrow, 2)(images), own)
    assert (padded.softmax(1)[:, :2] < own.softmax(1)).all()


def test_padded_heads_count_missing_outputs_as_a_fisher_of_zero() -> None:
    images, labels = torch.randn(6, 3, 1, 1), torch.tensor([0, 1, 2, 0, 1, 2])
    wide = [widened(fisher(Padded(probe(classes), 3), [(images, labels)])) for classes in (2, 3)]
    assert wide[0]["head.weight"].shape == wide[1]["head.weight"].shape == (10, 4)
    assert not wide[0]["head.weight"][2:].any()
    assert wide[1]["head.weight"][2].any()
    assert not wide[1]["head.bias"][3:].any()


def test_one_pair_end_to_end_on_embedded_digits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    params = {
        "digit-0": TaskParams(dataset="mnist", groups={"zero": [0]}, rest="rest"),
        "digits": TaskParams(dataset="mnist"),
    }
    source = DatasetParams(path="taskzoo/data/embedded.py", format="digits", max_per_class=24)
    build_dataset("mnist", source, SplitParams(val=0.4, test=0.2), tmp_path / "mnist")
    sizes = SizeParams(train=60, val=40, test=10)
    tasks = {name: load_task(name, one, tmp_path / "mnist", sizes, 16, 0) for name, one in params.items()}
    monkeypatch.setattr(cells, "RESULTS", tmp_path / "results")
    monkeypatch.setattr(cells, "load", tasks.__getitem__)
    monkeypatch.setattr(cells, "probe_of", lambda family, seed: ProbeParams(backbone=family, image_size=16, seed=seed))
    monkeypatch.setattr(cells, "RECIPES", {"mnist": Recipe(4, 16, 2e-3)})
    monkeypatch.setattr(variants, "FISHER", FisherParams(images=20, head_images=40, kernel_images=4))
    monkeypatch.setattr(cells, "pairs", lambda family: [("digits", "digit-0"), ("digit-0", "digits")])
    cells.measure("test_efficientnet", 3)
    first = (tmp_path / "results/test_efficientnet.csv").read_text()
    found = cells.distances("test_efficientnet")
    assert found[["source", "target", "seed"]].values.tolist() == [["digits", "digit-0", 3], ["digit-0", "digits", 3]]
    numbers = found[list(VARIANTS)]
    assert np.isfinite(numbers).all(axis=None)
    assert (numbers > 0).all(axis=None)
    assert numbers["ftd_squared"].to_numpy() == pytest.approx(numbers["ftd"].to_numpy() ** 2, rel=1e-4)
    assert (numbers["ftd_batch"] != numbers["ftd"]).all()
    # Batches normalised by their own statistics show another network.
    assert (numbers["ftd_reference"] - numbers["ftd_padded_batch"] ** 2).abs().min() > 1e-3
    assert cells.accuracies("test_efficientnet")["source"].tolist() == ["digit-0", "digits"]
    # A killed run goes on: the missing row comes back equal, the other is not measured again.
    lines = first.splitlines(keepends=True)
    (tmp_path / "results/test_efficientnet.csv").write_text("".join(lines[:-1]))
    cells.measure("test_efficientnet", 3)
    monkeypatch.setattr(cells, "train_from", None)
    cells.measure("test_efficientnet", 3)
    assert (tmp_path / "results/test_efficientnet.csv").read_text() == first


def made(name: str, family: str, matrix: Array, seeds: int) -> Found:
    paper = papers()[name]
    return Found(
        name=name,
        family=family,
        paper=paper,
        cubes=dict.fromkeys(VARIANTS, np.array([matrix] * seeds)),
        fresh=dict.fromkeys(VARIANTS, np.empty((0, *matrix.shape))),
        accuracy=dict.fromkeys(paper.tasks, 0.95),
        reached=dict.fromkeys(paper.tasks, 1.0),
    )


def everything(seeds: int = SEEDS) -> list[Found]:
    return [
        made(name, family, paper.mean(), seeds)
        for name, paper in papers().items()
        for family in FAMILIES
        if paper.measure == "ftd" or family == LD_FAMILY
    ]


def test_goals_are_met_by_the_published_numbers_in_all_seeds_only() -> None:
    found = everything()
    figures = headline(found)
    assert figures["met"]
    assert figures["ftd"][FAMILIES[0]]["scripts"]["spearman"]["mnist"] == [1, 1, 1]
    assert disappointments(found, figures)[0].startswith("Nothing")
    assert not headline(everything(SEEDS - 1))["met"]
    assert not headline(found[1:])["met"]


def test_one_wrong_minimum_is_told_and_the_goal_is_missed() -> None:
    found = everything()
    wrong = papers()["mnist"].mean()
    wrong[2, 0] = 0.01
    found[0] = made("mnist", FAMILIES[0], wrong, SEEDS)
    figures = headline(found)
    assert not figures["met"]
    assert figures["ftd"][FAMILIES[0]]["scripts"]["agree"] == 7
    told = disappointments(found, figures)
    assert told[0].startswith(
        f"mnist, {FAMILIES[0]}, `ftd`: the nearest source of digit-0 is digits-0-to-3 (0.010), not"
    )


def test_fresh_seeds_are_judged_by_themselves() -> None:
    found, family = everything(), FAMILIES[0]
    assert headline(found)["ftd"][family]["fresh"] == {"seeds": 0, "agree": 0}
    wrong = papers()["mnist"].mean()
    wrong[2, 0] = 0.01
    fresh = {"mnist": wrong, "cifar": papers()["cifar"].mean()}
    for place, each in enumerate(found):
        if each.family == family and each.name in fresh:
            found[place] = replace(each, fresh=dict.fromkeys(VARIANTS, np.array([fresh[each.name]] * 3)))
    figures = headline(found)["ftd"][family]
    assert figures["fresh"] == {"seeds": 3, "agree": 7}
    assert figures["scripts"]["agree"] == 8
    assert any("| 8 of 8 | 7 of 8 (3) |" in line for line in goals(headline(found))[0].splitlines())


def test_committed_page_is_what_the_committed_results_give() -> None:
    found = evaluate()
    assert (HERE / "README.md").read_text() == page(found, headline(found), environments(ENVIRONMENTS))


def test_figure_has_a_panel_a_matrix() -> None:
    found = made("cifar", FAMILIES[0], papers()["cifar"].mean(), 2)
    assert len(matrices_figure([found]).axes) == len(found.paper.networks) + 2


def test_goals_are_judged_by_what_the_scripts_compute() -> None:
    found = everything()
    matrix = papers()["mnist"].mean()
    matrix[2, 0] = 0.01
    wrong = np.array([matrix] * SEEDS)
    found[0] = replace(found[0], cubes={**found[0].cubes, "ftd": wrong})
    assert headline(found)["met"]
    assert headline(found)["ftd"][FAMILIES[0]]["definition"]["agree"] < 8
    found[0] = replace(found[0], cubes={**found[0].cubes, "ftd_reference": wrong})
    assert not headline(found)["met"]
