"""A stored data set is deterministic, stable under growth, and whole or absent."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from taskzoo.data.images import canonical_image
from taskzoo.data.record import SPLITS, Split
from taskzoo.data.splits import assign, position, split_keys
from taskzoo.data.store import build_dataset, load_manifest, load_split
from taskzoo.errors import InputError
from taskzoo.files import digest_folder
from taskzoo.params import SplitParams
from tests.data.pictures import dataset, encoded, image_folder, noise

SPLIT = SplitParams()


def placed(folder: Path) -> dict[str, str]:
    """Return the split of every image by its digest."""
    return {d: split for split in SPLITS for d in load_split(folder, split)["digest"].to_pylist()}


def test_manifest_and_tables_agree_with_the_source(tmp_path: Path) -> None:
    root = image_folder(tmp_path / "in", {"10": 30, "9": 30})
    root.joinpath("9", "grey.png").write_bytes(encoded(noise(99, channels=1, side=12)))
    manifest = build_dataset("toy", dataset(root), SPLIT, tmp_path / "out")
    assert manifest == load_manifest(tmp_path / "out")
    assert manifest.classes == ["9", "10"]
    assert (manifest.images, manifest.channels, manifest.groups) == (61, [1, 3], False)
    assert (manifest.min_width, manifest.max_width, manifest.min_height, manifest.max_height) == (
        8,
        12,
        8,
        12,
    )
    assert manifest.source.path == "in"
    seen = []
    for split in SPLITS:
        rows = load_split(tmp_path / "out", split).to_pylist()
        assert [row["digest"] for row in rows] == sorted(row["digest"] for row in rows)
        for row in rows:
            assert (root / row["image"]["path"]).read_bytes() == row["image"]["bytes"]
            assert canonical_image(row["image"]["bytes"], "x").digest == row["digest"]
            assert row["image"]["path"].startswith(manifest.classes[row["label"]] + "/")
        for label, name in enumerate(manifest.classes):
            assert manifest.counts[split][name] == sum(row["label"] == label for row in rows)
        seen += [row["image"]["path"] for row in rows]
    assert len(seen) == len(set(seen)) == 61


def test_hugging_face_metadata_is_there(tmp_path: Path) -> None:
    build_dataset("toy", dataset(image_folder(tmp_path / "in", {"cat": 30, "dog": 30})), SPLIT, tmp_path / "out")
    metadata = pq.read_schema(tmp_path / "out" / "val.parquet").metadata
    features = json.loads(metadata[b"huggingface"])["info"]["features"]
    assert features["image"] == {"_type": "Image"}
    assert features["label"] == {"names": ["cat", "dog"], "_type": "ClassLabel"}
    again = build_dataset("again", dataset(tmp_path / "out"), SPLIT, tmp_path / "again")
    assert again.digest == load_manifest(tmp_path / "out").digest


def test_same_input_gives_the_same_bytes_wherever_it_lies(tmp_path: Path) -> None:
    image_folder(tmp_path / "a" / "in", {"cat": 30, "dog": 30})
    shutil.copytree(tmp_path / "a" / "in", tmp_path / "b" / "in")
    for name in ("a", "b"):
        build_dataset("toy", dataset(tmp_path / name / "in"), SPLIT, tmp_path / name / "out")
    assert digest_folder(tmp_path / "a" / "out") == digest_folder(tmp_path / "b" / "out")


def test_digest_ignores_names_order_and_encoding_but_no_content(tmp_path: Path) -> None:
    root = image_folder(tmp_path / "in", {"cat": 30, "dog": 30})
    before = build_dataset("toy", dataset(root), SPLIT, tmp_path / "out")
    for number, file in enumerate(sorted(root.rglob("*.png"))):
        with Image.open(file) as picture:
            picture.save(file.with_name(f"{99 - number}.bmp"))
        file.unlink()
    after = build_dataset("other", dataset(root), SPLIT, tmp_path / "out2")
    assert after.digest == before.digest
    (root / "cat" / "more.png").write_bytes(encoded(noise(1000)))
    assert build_dataset("other", dataset(root), SPLIT, tmp_path / "out2").digest != before.digest


def test_images_stay_in_their_split_when_others_come(tmp_path: Path) -> None:
    root = image_folder(tmp_path / "in", {"cat": 30, "dog": 30})
    build_dataset("toy", dataset(root), SPLIT, tmp_path / "out")
    before = placed(tmp_path / "out")
    image_folder(root, {"eel": 40}, first=1000)
    build_dataset("toy", dataset(root), SPLIT, tmp_path / "out")
    after = placed(tmp_path / "out")
    assert len(after) == 100
    assert before.items() <= after.items()


@given(st.lists(st.text(min_size=1), min_size=1, unique=True))
def test_positions_lie_in_the_unit_interval_and_shares_are_kept(keys: list[str]) -> None:
    for key in keys:
        place = position(key)
        assert 0 <= place < 1
        wanted = "test" if place < 0.2 else "val" if place < 0.4 else "train"
        assert assign(None, key, set(), SPLIT) == wanted
        assert assign("train", key, {"train", "test"}, SPLIT) == ("val" if wanted == "val" else "train")
        assert assign("test", key, {"train", "test"}, SPLIT) == "test"


def test_positions_are_uniform() -> None:
    places = np.array([position(str(number)) for number in range(4000)])
    # 4 standard errors of a binomial share of 0.2 in 4,000.
    assert abs((places < 0.2).mean() - 0.2) < 4 * np.sqrt(0.2 * 0.8 / 4000)


@settings(max_examples=200)
@given(st.lists(st.tuples(st.sampled_from("pqrstuvw"), st.none() | st.sampled_from("ABCDE")), min_size=1, max_size=20))
def test_keys_hold_copies_and_groups_together(images: list[tuple[str, str | None]]) -> None:
    keys = split_keys([digest for digest, _ in images], [group for _, group in images])
    for (digest, group), key in zip(images, keys, strict=True):
        for (other, their), its in zip(images, keys, strict=True):
            if digest == other or (group is not None and group == their):
                assert key == its
    # Independently: as many keys as components, found by merging sets until nothing merges.
    parts: list[set[str]] = []
    for digest, group in images:
        new = {f"image {digest}", f"group {group}" if group else f"image {digest}"}
        touching = [part for part in parts if part & new]
        parts = [part for part in parts if not part & new] + [new.union(*touching)]
    assert len(set(keys)) == len(parts)


def test_groups_are_never_split(tmp_path: Path) -> None:
    root = image_folder(tmp_path / "in", {"cat": 90, "dog": 90})
    group = r"/(\d\d)\d\.png"  # ten images of a class, and as many of the other, share a group
    manifest = build_dataset("toy", dataset(root, group=group), SplitParams(val=0.3, test=0.3), tmp_path / "out")
    assert manifest.groups
    homes: dict[str, set[str]] = {}
    for split in SPLITS:
        for name in load_split(tmp_path / "out", split)["group"].to_pylist():
            homes.setdefault(name, set()).add(split)
    assert sorted(homes) == [f"{n:02d}" for n in range(9)]
    assert all(len(splits) == 1 for splits in homes.values())


def test_splits_of_the_source_are_kept_and_val_is_carved_out_of_train(tmp_path: Path) -> None:
    root = tmp_path / "in"
    image_folder(root / "train", {"cat": 40, "dog": 40})
    image_folder(root / "test", {"cat": 3, "dog": 3}, first=500)
    manifest = build_dataset("toy", dataset(root), SPLIT, tmp_path / "out")
    assert manifest.counts["test"] == {"cat": 3, "dog": 3}
    origins: dict[Split, str] = {"train": "train", "val": "train", "test": "test"}
    for split, origin in origins.items():
        paths = [cell["path"] for cell in load_split(tmp_path / "out", split)["image"].to_pylist()]
        assert paths
        assert all(path.startswith(f"{origin}/") for path in paths)


def test_max_per_class_keeps_the_smallest_digests(tmp_path: Path) -> None:
    root = image_folder(tmp_path / "in", {"cat": 60, "dog": 60})
    manifest = build_dataset("toy", dataset(root, max_per_class=40), SPLIT, tmp_path / "out")
    assert manifest.images == 80
    for name in ("cat", "dog"):
        digests = sorted(canonical_image(f.read_bytes(), "x").digest for f in (root / name).iterdir())
        kept = [d for d in placed(tmp_path / "out") if d in set(digests)]
        assert sorted(kept) == digests[:40]


def one_class(root: Path) -> None:
    image_folder(root, {"cat": 40})


def class_only_in_test(root: Path) -> None:
    image_folder(root / "train", {"cat": 40, "dog": 40})
    image_folder(root / "test", {"cat": 2, "dog": 2, "eel": 2}, first=500)


def class_too_small(root: Path) -> None:
    image_folder(root, {"cat": 40, "dog": 1})


def truncated_jpeg(root: Path) -> None:
    image_folder(root, {"cat": 40, "dog": 40})
    (root / "dog" / "cut.jpg").write_bytes(encoded(noise(1, side=32), "JPEG")[:-300])


def text_as_png(root: Path) -> None:
    image_folder(root, {"cat": 40, "dog": 40})
    (root / "cat" / "letter.png").write_text("Dear reader, this is no image.")


def many_bad(root: Path) -> None:
    image_folder(root, {"cat": 40, "dog": 40})
    for number in range(7):
        (root / "cat" / f"bad{number}.png").write_bytes(encoded(noise(number, side=1)))


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (one_class, "has only the class 'cat'; expected at least two classes"),
        (class_only_in_test, "the class 'eel' of the data set 'toy' is in test but not in train"),
        (class_too_small, "the class 'dog' of the data set 'toy' is in"),
        (truncated_jpeg, "has 1 file that is no usable image: dog/cut.jpg is damaged"),
        (text_as_png, "has 1 file that is no usable image: cat/letter.png is not an image"),
        (many_bad, "has 7 files that are no usable images: cat/bad0.png has 1x1 pixels, cat/bad1.png"),
    ],
)
def test_bad_sources_leave_what_was_there(tmp_path: Path, make: Callable[[Path], None], says: str) -> None:
    out = tmp_path / "out"
    build_dataset("toy", dataset(image_folder(tmp_path / "good", {"a": 30, "b": 30})), SPLIT, out)
    before = digest_folder(out)
    make(tmp_path / "in")
    for folder in (out, tmp_path / "fresh"):
        with pytest.raises(InputError) as caught:
            build_dataset("toy", dataset(tmp_path / "in"), SPLIT, folder)
        assert says in str(caught.value)
        assert "\n" not in str(caught.value)
    assert digest_folder(out) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["good", "in", "out"]


def test_seven_bad_files_are_five_names_and_a_count(tmp_path: Path) -> None:
    many_bad(tmp_path)
    with pytest.raises(InputError, match=r"bad4\.png has 1x1 pixels and 2 more; expected"):
        build_dataset("toy", dataset(tmp_path), SPLIT, tmp_path.parent / "never")


def test_a_table_without_rows_is_refused(tmp_path: Path) -> None:
    image = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    empty = pa.schema([("image", image), ("label", pa.int64())]).empty_table()
    pq.write_table(empty, tmp_path / "a.parquet")
    with pytest.raises(InputError, match="has no images"):
        build_dataset("toy", dataset(tmp_path / "a.parquet"), SPLIT, tmp_path / "out")


def test_damaged_store_is_told(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(InputError, match=r"manifest\.json cannot be read"):
        load_split(out, "train")
    build_dataset("toy", dataset(image_folder(tmp_path / "in", {"a": 30, "b": 30})), SPLIT, out)
    shutil.copy(out / "train.parquet", out / "test.parquet")
    with pytest.raises(InputError, match=r"test\.parquet has \d+ rows; expected \d+"):
        load_split(out, "test")
    (out / "val.parquet").write_bytes((out / "val.parquet").read_bytes()[:-50])
    with pytest.raises(InputError, match=r"val\.parquet cannot be read"):
        load_split(out, "val")
    (out / "train.parquet").unlink()
    with pytest.raises(InputError, match=r"train\.parquet cannot be read"):
        load_split(out, "train")
    (out / "manifest.json").write_text('{"schema_version": 2}')
    with pytest.raises(InputError, match=r"manifest\.json is damaged"):
        load_manifest(out)
