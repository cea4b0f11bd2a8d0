"""Taskonomy's train_val_test_*.csv files: one building a row."""

import csv
import io
from pathlib import Path

from taskzoo.data.record import SPLITS, Split
from taskzoo.errors import InputError


def read_split_file(path: Path) -> dict[str, Split]:
    """Read which split each building belongs to.

    Args:
        path: A file with the header id,train,val,test and flags 0 or 1; lines end in any way.

    Returns:
        Split by lower-case name of the building; buildings without a flag are left out.

    Raises:
        InputError: If it cannot be read, has other columns, or a building's flags are not 0 and at most one 1.
    """
    try:
        # Taskonomy's own files end lines with a carriage return alone.
        rows = csv.DictReader(io.StringIO("\n".join(path.read_text().splitlines())))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"{path} cannot be read ({' '.join(str(error).split())}); expected Taskonomy's "
            "train_val_test_*.csv; correct split_file."
        ) from error
    if not {"id", *SPLITS} <= set(rows.fieldnames or ()):
        raise InputError(
            f"{path} has the columns {', '.join(rows.fieldnames or ()) or '(none)'}; expected id, train, val and test; "
            "correct split_file."
        )
    found: dict[str, Split] = {}
    for row in rows:
        flags = [row[split] for split in SPLITS]
        if not set(flags) <= {"0", "1"} or flags.count("1") > 1:
            raise InputError(
                f"{path}: the building {row['id']!r} has train, val and test {', '.join(map(str, flags))}; expected "
                "0 or 1, and one 1 at most; mend that line."
            )
        if "1" in flags:
            found[row["id"].lower()] = SPLITS[flags.index("1")]
    return found
