"""Data sets that were kept out of sight: what they are made of, and that they stay apart."""

import io
from pathlib import Path

import pytest
from PIL import Image, ImageFont

from benchmarks.transfer import unseen
from benchmarks.transfer.settings import PROBES, settings, zoo

FACTS = {"id": "a", "subsets": ["latin"], "weights": [400, 700]}


def test_no_task_that_was_looked_at_is_of_a_data_set_kept_out_of_sight() -> None:
    for probe in PROBES:
        seen, kept_out = settings()[probe], settings()[f"{probe}-unseen"]
        assert kept_out.probe == seen.probe
        assert kept_out.regimes == seen.regimes
        assert not {zoo().tasks[name].dataset for name in seen.sources} & set(zoo().unseen)
        assert {zoo().tasks[name].dataset for name in kept_out.targets} == set(zoo().unseen)
        assert set(kept_out.sources) == {*seen.sources, *kept_out.targets}
        assert not set(seen.targets) & set(kept_out.targets)


@pytest.mark.parametrize(
    ("other", "fit"),
    [
        ({}, True),
        ({"subsets": ["greek"]}, False),
        ({"subsets": ["latin", "chinese-traditional"]}, False),
        ({"weights": [400]}, False),
        ({"id": "noto-sans-thai"}, False),
    ],
)
def test_typefaces_have_the_letters_in_two_weights(other: dict[str, object], fit: bool) -> None:
    assert unseen._latin(FACTS | other) == fit


def test_a_letter_is_drawn_in_the_middle_and_fills_its_height() -> None:
    source = ImageFont.load_default(100)
    assert isinstance(source, ImageFont.FreeTypeFont)
    drawn = unseen._letter(io.BytesIO(source.font_bytes), "H")
    left, top, right, bottom = drawn.getbbox() or (0, 0, 0, 0)
    assert drawn.size == (unseen.SIDE, unseen.SIDE)
    assert max(right - left, bottom - top) in range(unseen.HEIGHT - 2, unseen.HEIGHT + 1)
    assert abs(left + right - unseen.SIDE) <= 2
    assert abs(top + bottom - unseen.SIDE) <= 2


def test_equal_images_count_once() -> None:
    one, other = (unseen._png(Image.new("L", (2, 2), colour)) for colour in (0, 9))
    rows = [(one, "a", 0), (other, "b", 0), (one, "c", 1)]
    assert [path for _, path, _ in unseen._once(rows)] == ["a", "b"]


def test_a_package_that_is_not_there_is_told() -> None:
    with pytest.raises(unseen.MissingError, match="false a package failed"):
        unseen._run(["false", "a", "package"], Path())
