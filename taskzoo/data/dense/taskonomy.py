"""Taskonomy's files: ``point_{P}_view_{V}_domain_{D}.png``, ``.npy`` or ``.json``, in one folder a domain.

The folder of a domain lies below its building's (Taskonomy), above it (Omnidata), or at the top where there is one
building only. The folder names the domain: names of files do not always agree with it (``segmentsemantic``,
``class_places``). One of cameras' poses gives two.
"""

import os
import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from taskzoo.data.dense.camera import PoseFile
from taskzoo.data.dense.domains import DOMAINS, STORED
from taskzoo.data.dense.split_file import read_split_file
from taskzoo.data.dense.views import MASK, MASKS, RGB, View, Views, encoding_of
from taskzoo.data.record import first_few
from taskzoo.data.splits import position
from taskzoo.errors import InputError
from taskzoo.params import DatasetParams

FILE = re.compile(r"point_(\d+)_view_(\d+)_domain_\w+(\.\w+)")
SUFFIXES = {RGB: ".png", **{domain: encoding_of(domain).file.suffix for domain in (MASK, *STORED)}}
POSES = tuple(domain for domain, suffix in SUFFIXES.items() if suffix == PoseFile.suffix)
# What each folder's files are of: those of Taskonomy's ``points``, Omnidata's ``point_info``, give several targets.
FOLDERS = {domain: (domain,) for domain in SUFFIXES if domain not in POSES} | {"points": POSES, "point_info": POSES}


@dataclass(frozen=True, order=True)
class _Key:
    building: str
    point: int
    view: int

    def __str__(self) -> str:
        return f"{self.building}/point_{self.point}_view_{self.view}"


_Files = Mapping[_Key, Mapping[str, Path]]


def holds(root: Path, domain: str) -> bool:
    """Return whether a folder has a domain's files where Taskonomy's folders have them."""
    return any(next(root.glob(f"{layout}point_*_view_*_domain_{domain}.*"), None) for layout in ("*/", "*/*/"))


def read_taskonomy(name: str, params: DatasetParams) -> Views:
    """List the views of a Taskonomy folder.

    Args:
        name: The data set, for messages.
        params: Its folder, the domains wanted, the split file, and how many views a building.

    Returns:
        Views with the wanted domains and, where one of these needs it, the file that tells missing pixels.

    Raises:
        InputError: If the folder holds no views, a wanted domain is absent or lacks views, missing pixels cannot be
            told, or no building is in the split file.
    """
    root = Path(params.path)
    found = _scan(root)
    present = {domain for files in found.values() for domain in files}
    if RGB not in present:
        raise InputError(
            f"datasets.{name}.path is {root}, which holds no files rgb/point_*_view_*_domain_rgb.png; expected "
            "Taskonomy's folders, one a domain; correct the path."
        )
    domains = _domains(name, params, present)
    splits = None if params.split_file is None else read_split_file(Path(params.split_file))
    keys = [key for key in sorted(found) if splits is None or key.building.lower() in splits]
    if not keys:
        raise InputError(
            f"datasets.{name}.split_file is {params.split_file}, which names none of the buildings in {root} "
            f"({first_few(sorted({key.building for key in found}))}); expected their splits; choose another file."
        )
    keys = _first_of_each_building(keys, params.views)
    _check_complete(name, {key: found[key] for key in keys}, domains)
    return Views(
        format="taskonomy",
        domains=domains,
        synthetic=False,
        views=[
            View(
                path=str(key),
                group=key.building,
                split=None if splits is None else splits[key.building.lower()],
                read=partial(_read, {domain: file for domain, file in found[key].items() if domain in (RGB, *domains)}),
            )
            for key in keys
        ],
    )


def _scan(root: Path) -> dict[_Key, dict[str, Path]]:
    """Return every file by view and domain."""
    found: dict[_Key, dict[str, Path]] = defaultdict(dict)
    for folder, below, files in os.walk(root):
        below.sort()
        parts = Path(folder).relative_to(root).parts
        kinds = [part for part in parts if part in FOLDERS]
        if len(kinds) != 1:
            continue
        domains = FOLDERS[kinds[0]]
        building = ([root.resolve().name] + [part for part in parts if part not in FOLDERS])[-1]
        for file in sorted(files):
            match = FILE.fullmatch(file)
            if match is None or match[3] != SUFFIXES[domains[0]]:
                continue
            key = _Key(building, int(match[1]), int(match[2]))
            if domains[0] in found[key]:
                raise InputError(
                    f"{Path(folder) / file} and {found[key][domains[0]]} are of one view and domain; expected one file "
                    "each; remove one."
                )
            found[key].update(dict.fromkeys(domains, Path(folder) / file))
    return found


def _domains(name: str, params: DatasetParams, present: set[str]) -> tuple[str, ...]:
    """Return the domains to store, in the table's order, and the one that tells missing pixels."""
    held = [domain for domain in STORED if domain in present]
    wanted = held if params.domains is None else [domain for domain in DOMAINS if domain in params.domains]
    absent = [domain for domain in wanted if domain not in held]
    if absent or not wanted:
        raise InputError(
            f"datasets.{name}.domains has {', '.join(absent) or 'nothing'}, of which {params.path} holds no files; "
            f"expected some of {', '.join(held) or 'none, since it holds rgb alone'}; correct domains or add the files."
        )
    masked = [domain for domain in wanted if DOMAINS[domain].by_depth]
    masks = [mask for mask in MASKS if mask in present]
    if masked and not masks:
        raise InputError(
            f"datasets.{name}.path is {params.path}, which holds {masked[0]} but neither {' nor '.join(MASKS)}; "
            f"expected one of them, since it tells where {masked[0]} is missing; add its files."
        )
    return tuple(dict.fromkeys([*wanted, *masks[:1]] if masked else wanted))


def _first_of_each_building(keys: list[_Key], limit: int | None) -> list[_Key]:
    """Keep so many views a building, chosen by the hash of their names, in their order."""
    if limit is None:
        return keys
    ranks: dict[str, list[tuple[float, _Key]]] = defaultdict(list)
    for key in keys:
        ranks[key.building].append((position(str(key)), key))
    return sorted(key for ranked in ranks.values() for _, key in sorted(ranked)[:limit])


def _check_complete(name: str, found: _Files, domains: tuple[str, ...]) -> None:
    needed = (RGB, *(domain for domain in domains if not encoding_of(domain).whole))
    lacking = [f"{key} lacks {domain}" for key, files in found.items() for domain in needed if domain not in files]
    if lacking:
        raise InputError(
            f"the data set {name!r} lacks {len(lacking):,} files of its {len(found):,} views: {first_few(lacking)}; "
            "expected every domain of every view; add the files, remove the views, or name fewer domains."
        )


def _read(files: Mapping[str, Path]) -> dict[str, bytes]:
    contents = {}
    for domain, file in files.items():
        try:
            contents[domain] = file.read_bytes()
        except OSError as error:
            raise InputError(
                f"{file} cannot be read ({error.strerror}); expected a file of {domain}; mend or remove it."
            ) from error
    return contents
