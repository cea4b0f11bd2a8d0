"""Data sets that the recommender was made without: ``python -m benchmarks.transfer.unseen`` fetches and makes them.

Clothes (Fashion-MNIST, a Debian package), letters in a few hundred typefaces, and emoji by their kind (npm packages);
it needs ``apt-get``, ``dpkg-deb`` and ``npm``, and about 400 MB for a while.
"""

import contextlib
import gzip
import io
import json
import subprocess
import tarfile
import tempfile
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image, ImageDraw, ImageFont
from rich.console import Console
from rich.progress import track

from benchmarks.transfer.settings import UNSEEN

CLOTHES = "dataset-fashion-mnist"
FONT_LIST = "google-font-metadata@6.0.8"
EMOJI = ("emoji-datasource-google@16.0.0", "emoji-datasource-twitter@16.0.0")
KINDS = (
    *("Smileys & Emotion", "People & Body", "Animals & Nature", "Food & Drink", "Travel & Places", "Activities"),
    *("Objects", "Symbols", "Flags"),
)
LETTERS = "ABCDEFGHIJ"
TYPEFACES = 250
WEIGHTS = (400, 700)
SIDE, HEIGHT = 28, 20  # Pixels of a letter's image, and of the letter.
Row = tuple[bytes, str, int]


class MissingError(Exception):
    """A package could not be fetched."""


def fetch() -> None:
    """Make what is not there yet."""
    makers = {"fashion.npz": clothes, "letters.parquet": letters, "emoji.parquet": emoji}
    UNSEEN.mkdir(parents=True, exist_ok=True)
    for name, make in makers.items():
        if not (UNSEEN / name).exists():
            with tempfile.TemporaryDirectory(dir=UNSEEN) as folder:
                make(Path(folder)).rename(UNSEEN / name)


def clothes(folder: Path) -> Path:
    """Make an archive of the 10,000 test images of Fashion-MNIST."""
    _run(["apt-get", "download", CLOTHES], folder)
    _run(["dpkg-deb", "-x", *(each.name for each in folder.glob("*.deb")), "."], folder)
    own = folder / "usr/share/datasets/fashion-mnist"
    labels = gzip.decompress((own / "t10k-labels-idx1-ubyte.gz").read_bytes())[8:]
    images = gzip.decompress((own / "t10k-images-idx3-ubyte.gz").read_bytes())[16:]
    path = folder / "made.npz"
    np.savez_compressed(
        path,
        images=np.frombuffer(images, np.uint8).reshape(-1, 28, 28),
        labels=np.frombuffer(labels, np.uint8),
    )
    return path


def letters(folder: Path) -> Path:
    """Make images of ten letters in the normal and the bold of a random few hundred typefaces, white on black."""
    known = json.loads(_member(_fetched([FONT_LIST], folder)[0], "package/data/google-fonts-v2.json"))
    fit = [name for name, facts in known.items() if _latin(facts)]
    names = np.random.default_rng(0).permutation(sorted(fit))  # Not by hash, which later says what is test.
    shown = track(islice(_typefaces(names, folder), TYPEFACES), "typefaces", TYPEFACES, console=Console(stderr=True))
    return _parquet(folder, _once(row for path in shown for row in _letters_of(path)))


def emoji(folder: Path) -> Path:
    """Make images of two vendors' emoji on white; a pair of the same meaning shares the first part of its name."""

    def rows() -> Iterator[Row]:
        for path in _fetched(EMOJI, folder):
            vendor = path.name.split("-")[2]
            with tarfile.open(path) as package:
                known = json.load(_open(package, "package/emoji.json"))
                for each in (one for one in known if one["category"] in KINDS and one[f"has_img_{vendor}"]):
                    drawn = Image.open(_open(package, f"package/img/{vendor}/64/{each['image']}")).convert("RGBA")
                    paper = Image.new("RGBA", drawn.size, "white")
                    image = Image.alpha_composite(paper, drawn).convert("RGB")
                    yield _png(image), f"{each['unified']}_{vendor}.png", KINDS.index(each["category"])

    return _parquet(folder, rows())


def _latin(facts: dict[str, Any]) -> bool:
    """Tell whether a typeface has the letters and both weights, without thousands of signs and the scripts of Noto."""
    large = any(each in {"japanese", "korean"} or each.startswith("chinese") for each in facts["subsets"])
    return (
        "latin" in facts["subsets"]
        and not large
        and not facts["id"].startswith("noto-")
        and set(WEIGHTS) <= set(facts["weights"])
    )


def _typefaces(names: Iterable[str], folder: Path) -> Iterator[Path]:
    """Yield the packages of those that have one."""
    for name in names:
        with contextlib.suppress(MissingError):
            yield _fetched([f"@fontsource/{name}"], folder)[0]


def _letters_of(path: Path) -> Iterator[Row]:
    """Yield the images of a typeface, named after it."""
    name = path.name.removeprefix("fontsource-").rsplit("-", 1)[0]
    with tarfile.open(path) as package:
        files = {weight: f"package/files/{name}-latin-{weight}-normal.woff2" for weight in WEIGHTS}
        for weight, file in ((one, each) for one, each in files.items() if each in package.getnames()):
            font = _open(package, file)
            for number, letter in enumerate(LETTERS):
                font.seek(0)
                yield _png(_letter(font, letter)), f"{name}_{weight}-{letter}.png", number


def _once(rows: Iterable[Row]) -> Iterator[Row]:
    """Yield the first of equal images: a bar is the I of many typefaces, which would have to stay in one split."""
    seen: set[bytes] = set()
    for row in rows:
        if row[0] not in seen:
            seen.add(row[0])
            yield row


def _letter(font: io.BytesIO, letter: str) -> Image.Image:
    """Draw a letter in the middle, its larger side HEIGHT pixels."""
    face = ImageFont.truetype(font, 100)
    left, top, right, bottom = face.getbbox(letter)
    large = Image.new("L", (round(right - left) + 2, round(bottom - top) + 2))
    ImageDraw.Draw(large).text((1 - left, 1 - top), letter, 255, face)
    large.thumbnail((HEIGHT, HEIGHT))
    image = Image.new("L", (SIDE, SIDE))
    image.paste(large, ((SIDE - large.width) // 2, (SIDE - large.height) // 2))
    return image


def _fetched(packages: Iterable[str], folder: Path) -> list[Path]:
    """Fetch npm packages, without running anything of theirs."""
    told = _run(["npm", "pack", "--json", *packages], folder)
    return [folder / each["filename"] for each in json.loads(told)]


def _run(command: list[str], folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise MissingError(f"{' '.join(command)[:80]} failed: {done.stderr.strip()[-300:]}")
    return done.stdout


def _member(path: Path, name: str) -> bytes:
    with tarfile.open(path) as package:
        return _open(package, name).read()


def _open(package: tarfile.TarFile, name: str) -> io.BytesIO:
    found = package.extractfile(name)
    assert found is not None
    return io.BytesIO(found.read())


def _png(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def _parquet(folder: Path, rows: Iterable[Row]) -> Path:
    images, paths, labels = zip(*rows, strict=True)
    column = [{"bytes": image, "path": path} for image, path in zip(images, paths, strict=True)]
    path = folder / "made.parquet"
    pq.write_table(pa.table({"image": column, "label": pa.array(labels, pa.int64())}), path)
    return path


if __name__ == "__main__":
    fetch()
