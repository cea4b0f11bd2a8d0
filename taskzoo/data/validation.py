"""Validation of a stored data set by Great Expectations: a failure stops the pipeline and names rows."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pandas as pd
from pydantic import BaseModel, ConfigDict

from taskzoo.data.facts import image_facts
from taskzoo.data.manifest import load_manifest
from taskzoo.data.record import first_few
from taskzoo.data.suite import Check, Severity, suite
from taskzoo.errors import InputError
from taskzoo.files import new_folder, write_json

RESULT = "result.json"


class ExpectationResult(BaseModel):
    """What one expectation found.

    Attributes:
        expectation: Great Expectations' type.
        column: Of the table of image facts.
        severity: A failed warning is recorded and stops nothing.
        success: Whether it was met.
        expected: In words.
        observed: The share of rows that fail, or the values that are absent.
        failing: Paths of the rows that fail, sorted.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    expectation: str
    column: str
    severity: Severity
    success: bool
    expected: str
    observed: str
    failing: list[str]


class ValidationResult(BaseModel):
    """The outcome of a whole suite.

    Attributes:
        schema_version: Of this file.
        dataset: The data set's name.
        digest: The data set's digest.
        images: Number of rows looked at.
        success: Whether every critical expectation was met.
        results: One an expectation, in the suite's order.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_version: Literal[1] = 1
    dataset: str
    digest: str
    images: int
    success: bool
    results: list[ExpectationResult]


def validate(folder: Path, out: Path, docs: Path) -> ValidationResult:
    """Check a stored data set and write what was found, passed or not.

    Args:
        folder: A folder that ``build_dataset`` wrote.
        out: Receives result.json, the same bytes for the same data.
        docs: Receives Great Expectations' Data Docs, for people; replaced as a whole.

    Returns:
        The result, where every critical expectation is met.

    Raises:
        InputError: If the data set is missing or damaged, or a critical expectation fails.
    """
    manifest = load_manifest(folder)
    table = image_facts(folder, manifest)
    checks = suite(manifest)
    with new_folder(docs) as temporary:
        found = _run(manifest.name, table, checks, temporary)
    results = [_result(check, found[check.column], len(table)) for check in checks]
    failed = [number for number, each in enumerate(results) if not each.success and each.severity == "critical"]
    result = ValidationResult(
        dataset=manifest.name,
        digest=manifest.digest,
        images=len(table),
        success=not failed,
        results=results,
    )
    write_json(out / RESULT, result.model_dump())
    if failed:
        first, check = results[failed[0]], checks[failed[0]]
        rows = f": {first_few(first.failing)}" if first.failing else ""
        more = f" (and {len(failed) - 1} more failed expectations)" if len(failed) > 1 else ""
        raise InputError(
            f"the data set {manifest.name!r} fails {first.expectation} on {first.column} "
            f"({first.observed}{rows}){more}; expected {first.expected}; {check.advice}."
        )
    return result


def _run(name: str, table: pd.DataFrame, checks: list[Check], docs: Path) -> dict[str, dict[str, Any]]:
    """Return Great Expectations' result by column, and fill ``docs``."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    import great_expectations as gx

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    asset = context.data_sources.add_pandas("taskzoo").add_dataframe_asset(name)
    expectations = gx.ExpectationSuite(name=name, expectations=[_expectation(gx.expectations, each) for each in checks])
    definition = gx.ValidationDefinition(
        name=name,
        data=asset.add_batch_definition_whole_dataframe("all images"),
        suite=context.suites.add(expectations),
    )
    context.add_data_docs_site(
        site_name="docs",
        site_config={
            "class_name": "SiteBuilder",
            "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
            "store_backend": {
                "class_name": "TupleFilesystemStoreBackend",
                "base_directory": str(docs.resolve()),
            },
        },
    )
    checkpoint = gx.Checkpoint(
        name=name,
        validation_definitions=[context.validation_definitions.add(definition)],
        actions=[gx.checkpoint.UpdateDataDocsAction(name="docs", site_names=["docs"])],
        result_format={"result_format": "COMPLETE", "unexpected_index_column_names": ["path"]},
    )
    outcome = context.checkpoints.add(checkpoint).run(batch_parameters={"dataframe": table})
    (validated,) = outcome.run_results.values()
    found = [each.to_json_dict() for each in validated.results]
    return {each["expectation_config"]["kwargs"]["column"]: each for each in found}


def _expectation(library: Any, check: Check) -> Any:
    kind: Callable[..., Any] = getattr(library, check.kind)
    return kind(column=check.column, severity=check.severity, notes=f"Expected: {check.expected}.", **check.options)


def _result(check: Check, found: dict[str, Any], images: int) -> ExpectationResult:
    detail = found["result"]
    failing = sorted(row["path"] for row in detail.get("unexpected_index_list") or [])
    absent = sorted(detail.get("partial_missing_list") or [])
    return ExpectationResult(
        expectation=found["expectation_config"]["type"],
        column=check.column,
        severity=check.severity,
        success=found["success"],
        expected=check.expected,
        observed=f"absent: {first_few(absent)}" if absent else f"{len(failing):,} of {images:,} rows",
        failing=failing,
    )
