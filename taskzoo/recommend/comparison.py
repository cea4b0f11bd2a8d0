"""What a recommendation was worth on its target: transfers and searches beside their controls."""

from pydantic import BaseModel, ConfigDict

from taskzoo.search.results import Trial


class Transfer(BaseModel):
    """Few-shot fine-tuning from one source.

    Attributes:
        arm: "recommended" (the best-ranked source where it abstains), "random", "farthest", "no-transfer" (the
            shared initial state) or, where that is pretrained, also "scratch" (random weights).
        source: The task whose network was fine-tuned, or "no-transfer".
        accuracies: On the target's test images, one value a draw of training images, in [0, 1].
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    arm: str
    source: str
    accuracies: list[float]


class Comparison(BaseModel):
    """Everything measured on one target to judge its recommendation.

    Attributes:
        target: The task.
        transfers: One row an arm.
        trials: Evaluated architectures of the arms "narrowed", "full" and "random-source".
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    target: str
    transfers: list[Transfer]
    trials: list[Trial]
