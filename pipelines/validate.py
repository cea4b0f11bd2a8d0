"""Check one data set against its expectations: validation/<name>, and Data Docs for people."""

from pathlib import Path

from taskzoo.data.validation import validate as check
from taskzoo.entry import stage

DOCS = Path("data-docs")


def validate(name: str) -> None:
    """Validate data set ``name``; a failed expectation stops the pipeline."""
    result = check(Path("data") / name, Path("validation") / name, DOCS / name)
    print(f"{name}: {len(result.results)} expectations met; see {DOCS / name / 'index.html'}")


if __name__ == "__main__":
    stage(validate)
