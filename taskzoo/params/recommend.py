"""The recommendation, and the comparison in which it is judged."""

from pydantic import Field

from taskzoo.params.data import TaskParams
from taskzoo.params.names import MeasureName, Section


class RecommendParams(Section):
    """How sources are ranked and when none is recommended."""

    measure: MeasureName = Field("fisher_kernel", description="Ranks the sources of a target of classes.")
    dense_measure: MeasureName = Field(
        "ridge_loo", description="Ranks those of a dense target; chosen by what transferred in benchmarks/dense."
    )
    likeness: float = Field(
        1.0, ge=0, description="Weight of how alike the images look, beside the measure's; both in standard deviations."
    )
    confidence: float = Field(0.85, gt=0.5, lt=1, description="Needed probability that a source beats no transfer.")
    sources: int = Field(3, ge=1, description="At most how many sources narrow the search.")
    shortlist: int = Field(
        32, ge=1, description="How many tasks of a larger zoo are measured: those whose images look most alike."
    )
    keep: float = Field(0.15, ge=0, lt=1, description="Options below this share of the sources' elites are cut away.")

    def ranks(self, task: TaskParams) -> MeasureName:
        """Return the measure that ranks the sources of a task."""
        return self.measure if task.target is None else self.dense_measure


class CompareParams(Section):
    """Few-shot fine-tuning from the recommended source beside its controls."""

    images_per_class: int = Field(10, ge=2)
    steps: int = Field(40, ge=1)
    batch_size: int = Field(32, ge=2)
    learning_rate: float = Field(2e-3, gt=0)
    draws: int = Field(3, ge=2, description="Repetitions with new images and a new seed.")
