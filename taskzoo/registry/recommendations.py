"""Recommendations in MLflow, with the transfers that were run."""

from collections.abc import Sequence

import numpy as np

from taskzoo.files import digest_json
from taskzoo.fisher.pairs import NO_TRANSFER
from taskzoo.recommend.advice import Advice
from taskzoo.recommend.comparison import Transfer
from taskzoo.recommend.recommendation import Recommendation, scale
from taskzoo.registry.connection import Connection
from taskzoo.registry.description import describe_narrowing
from taskzoo.registry.runs import StageRun, log_run
from taskzoo.registry.transfers import FINGERPRINT, GAIN, HEADROOM, SCALE, SCORE, STAGE, WIDER

NARROWING = "narrowing.md"


def log_recommendation(
    connection: Connection, fingerprint: str, advice: Advice, transfers: Sequence[Transfer], dataset: str
) -> None:
    """Record a target's recommendation and narrowed search, and beneath it its transfers; the same ones once.

    Args:
        connection: Held for writing.
        fingerprint: Of the probe.
        advice: Sources with their scores, probabilities and intervals, and the narrowed space.
        transfers: All arms of the comparison, no transfer among them; those from registered sources are recorded.
        dataset: Of the target.
    """
    recommendation, narrowing = advice.recommendation, advice.narrowing
    rows = {row.source: row for row in recommendation.candidates}
    start = next(row for row in transfers if row.source == NO_TRANSFER)
    known = {row.source: row for row in transfers if row.source in rows}
    children = [_transfer(recommendation, fingerprint, row, start, dataset) for row in known.values()]
    shown = (
        "score",
        "mean",
        "low",
        "high",
        "probability_best",
        "probability_gain",
        "expected_gain",
        "experience",
        "wider",
    )
    numbers = {f"{figure}.{source}": getattr(row, figure) for source, row in rows.items() for figure in shown}
    numbers |= {"start.mean": recommendation.start.mean, HEADROOM: recommendation.headroom}
    for name, values in (("itself", recommendation.references.itself), ("chance", recommendation.references.chance)):
        numbers |= {f"reference.{name}": float(np.mean(values))} if values else {}
    run = StageRun(
        stage="recommend",
        key=recommendation.target,
        digest=digest_json([fingerprint, advice.model_dump(mode="json"), [child.digest for child in children]]),
        title=f"sources for {recommendation.target}",
        params={
            "measure": recommendation.measure,
            "likeness": recommendation.likeness,
            "beside": recommendation.parts(),
            "confidence": recommendation.confidence,
            "recommended": ", ".join(recommendation.recommended) or "none",
            "within_noise": ", ".join(recommendation.within_noise),
            "reason": recommendation.reason,
            "narrowing": narrowing.reason,
            "inherited": advice.inherited.source if advice.inherited else "none",
        },
        metrics=[(name, value, 0) for name, value in numbers.items()],
        tags={FINGERPRINT: fingerprint},
        texts={NARROWING: describe_narrowing(recommendation.target, narrowing)},
        children=children,
    )
    log_run(connection, run)


def _transfer(
    recommendation: Recommendation, fingerprint: str, row: Transfer, start: Transfer, dataset: str
) -> StageRun:
    """Return the run of one transfer beside no transfer."""
    candidate, made = recommendation.candidate(row.source), scale(recommendation.measure, recommendation.likeness)
    gains = np.subtract(row.accuracies, start.accuracies)
    return StageRun(
        stage=STAGE,
        key=recommendation.target,
        digest=digest_json(
            [recommendation.target, fingerprint, row.model_dump(), start.model_dump(), candidate.score, made]
        ),
        title=f"transfer {row.source} to {recommendation.target}",
        params={"target": recommendation.target, "dataset": dataset, "source": row.source, "arm": row.arm},
        metrics=[
            (GAIN, float(gains.mean()), 0),
            (SCORE, candidate.score, 0),
            (WIDER, candidate.wider, 0),
            (HEADROOM, recommendation.headroom, 0),
            *(("accuracy", value, draw) for draw, value in enumerate(row.accuracies)),
        ],
        tags={FINGERPRINT: fingerprint, SCALE: made},
    )
