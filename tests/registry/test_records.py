"""What people read of a package."""

import ast
import io
from pathlib import Path

import pytest
from PIL import Image
from pydantic import ValidationError

import taskzoo.registry
from taskzoo.registry.description import describe_package, example_image
from taskzoo.registry.package import Package, load_card
from taskzoo.registry.records import TaskCard


def test_card_is_read_alone(pets: Package) -> None:
    assert load_card(pets.folder) == pets.card


def test_card_needs_usable_names(pets: Package) -> None:
    content = pets.card.model_dump()
    for broken in (
        {**content, "name": "../../x"},
        {**content, "dataset": {**content["dataset"], "name": "a' or"}},
    ):
        with pytest.raises(ValidationError, match="is not usable"):
            TaskCard.model_validate(broken)


def test_description_tells_the_ranking(pets: Package) -> None:
    text = describe_package(pets)
    assert "| classes | 3: cat, dog, rest |" in text
    assert "train 90, val 30" in text
    assert text.index("1. no-transfer (0.305)") < text.index("2. near (0.505)") < text.index("3. far")


def test_example_is_an_image_of_the_probes_size(pets: Package) -> None:
    with Image.open(io.BytesIO(example_image(pets))) as picture:
        assert picture.size == (32, 32)


@pytest.mark.parametrize("name", ["package", "records", "layout", "description"])
def test_packages_do_without_mlflow(name: str) -> None:
    """The rooms below are kept from mlflow by the import contracts, so these files' own imports decide."""
    tree = ast.parse((Path(taskzoo.registry.__file__).parent / f"{name}.py").read_text())
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    imported |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    assert not [each for each in imported if each and each.startswith("mlflow")]
    own = {each.removeprefix("taskzoo.registry.") for each in imported if each and each.startswith("taskzoo.reg")}
    assert own <= {"package", "records", "layout"}
