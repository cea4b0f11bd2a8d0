"""What a person asks for who brings a new data set."""

from pathlib import Path

import pytest

from taskzoo.errors import InputError
from taskzoo.workflow.new_target import NewTarget
from tests.data.dense.houses import street
from tests.data.pictures import image_folder


def test_taskonomys_folders_are_known_by_their_files(tmp_path: Path) -> None:
    root = str(street(tmp_path / "in", domains=("normal", "depth_zbuffer")))
    stored, computed = NewTarget(root, "flat", target="normal"), NewTarget(root, "flat", target="edge_texture")
    assert (stored.dataset().format, stored.dataset().domains) == ("taskonomy", ["normal"])
    assert (computed.dataset().format, computed.dataset().domains) == ("taskonomy", None)
    assert stored.task().target == "normal"


def test_views_without_a_target_and_unknown_targets_are_refused(tmp_path: Path) -> None:
    root = str(street(tmp_path / "in", domains=("normal", "depth_zbuffer")))
    with pytest.raises(InputError, match=r"target: nothing is given for .* views; expected what to predict"):
        NewTarget(root, "flat").dataset()
    with pytest.raises(InputError, match=r"target: 'depth' is no target; expected one of depth_euclidean, .* classes"):
        NewTarget(root, "flat", target="depth").task()


def test_images_of_classes_keep_their_format_and_may_have_a_computed_target(tmp_path: Path) -> None:
    root = str(image_folder(tmp_path / "in", {"a": 2, "b": 2}))
    new = NewTarget(root, "pets", group="^(a)", target="edge_texture")
    assert (new.dataset().format, new.dataset().group) == (None, "^(a)")
    assert new.task().target == "edge_texture"
    assert NewTarget(root, "pets").task().target is None
