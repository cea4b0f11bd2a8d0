"""Ask the registry which sources each task should transfer from: recommendations/<task>.json."""

from taskzoo.entry import stage
from taskzoo.files import new_folder
from taskzoo.params import load_params
from taskzoo.recommend.advice import advise, save_advice
from taskzoo.recommend.belief import usual
from taskzoo.records import read_json
from taskzoo.registry.store import Receipt
from taskzoo.workflow.workspace import RECEIPTS, RECOMMENDATIONS
from taskzoo.workflow.zoo import load_zoo, past_transfers


def recommend() -> None:
    """Rank the sources of every task and narrow its search by their elites, all read from the registry."""
    params = load_params()
    receipts = [read_json(RECEIPTS / f"{name}.json", Receipt, "register") for name in params.tasks]
    zoo = load_zoo(receipts[0].fingerprint, list(params.tasks))
    measures = {task.package.distances.ranked_by for task in zoo.values()}
    past = {each: past_transfers(receipts[0].fingerprint, each, params.recommend.likeness) for each in measures}
    with new_folder(RECOMMENDATIONS) as folder:
        for name, task in zoo.items():
            elites = {source: other.architectures() for source, other in zoo.items() if source != name}
            advice = advise(
                task.package.distances,
                elites,
                task.package.search.options["full"],
                params.recommend,
                params.search.explore,
                past[task.package.distances.ranked_by],
                usual(params.probe, dense=params.tasks[name].target is not None),
            )
            save_advice(folder / f"{name}.json", advice)
            print(f"{name}: {advice.recommendation.reason} {advice.narrowing.reason}")


if __name__ == "__main__":
    stage(recommend)
