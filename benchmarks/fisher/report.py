"""Results as one JSON line and as a table."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from benchmarks.fisher.cases import MEMORY_GOAL, RIVALS, Case

Record = dict[str, Any]
Records = Mapping[str, Record]


def summary(cases: Sequence[Case], records: Records) -> dict[str, Any]:
    """Return ratios to one plain pass, the fastest exact rival's, of memory, the goals, and whether all is met.

    ``missing`` names what keeps the figures from being complete; nothing is met while there is any.
    """
    ratio = {case.name: time(records, case)["ratio"] for case in cases if "ratio" in time(records, case)}
    rivals = {case.name: best_rival(time(records, case)) for case in cases if case.name in ratio}
    memory = {case.name: memory_ratio(records, case, "ours") for case in cases}
    found = {name: value for name, value in memory.items() if value is not None}
    goals = {case.name: case.goal for case in cases if case.goal is not None}
    missing = list(gaps(cases, records))
    met = (
        not missing
        and all(ratio[name] <= goal for name, goal in goals.items())
        and all(rival is not None and ratio[name] < rival["ratio"] for name, rival in rivals.items())
        and all(value <= MEMORY_GOAL for value in found.values())
    )
    return {
        "ratio": rounded(ratio),
        "paired_ratio": rounded(
            {case.name: time(records, case)["paired_ratio"] for case in cases if case.name in ratio}
        ),
        "best_rival": rivals,
        "memory_ratio": rounded(found),
        "rival_memory_ratio": {case.name: of for case in cases if (of := rival_memory(records, case))},
        "memory_goal": MEMORY_GOAL,
        "goals": goals,
        "missing": missing,
        **published(cases, records),
        "met": met,
    }


def rounded(values: Mapping[str, float]) -> dict[str, float]:
    """Return values with three decimals."""
    return {name: round(value, 3) for name, value in values.items()}


def time(records: Records, case: Case) -> Record:
    """Return a case's times; nothing where they are not measured."""
    found: Record = records.get(case.name, {}).get("timing", {})
    return found


def best_rival(timing: Record) -> Record | None:
    """Return the fastest exact rival's name and ratio; None where no rival is exact."""
    exact = [(rival["ratio"], name) for name, rival in timing["rivals"].items() if rival["status"] == "exact"]
    return {"name": min(exact)[1], "ratio": round(min(exact)[0], 3)} if exact else None


def memory_ratio(records: Records, case: Case, method: str, kind: str = "above") -> float | None:
    """Return a method's memory as a ratio to the plain pass's; None where one is not measured."""
    found = records.get(case.name, {}).get("memory", {})
    if any(kind not in found.get(name, {}) for name in ("plain", method)):
        return None
    return float(found[method][kind] / found["plain"][kind])


def rival_memory(records: Records, case: Case) -> dict[str, float]:
    """Return the memory of each rival that it is measured of."""
    found = {name: memory_ratio(records, case, name) for name in RIVALS}
    return rounded({name: value for name, value in found.items() if value is not None})


def gaps(cases: Sequence[Case], records: Records) -> Iterator[str]:
    """Yield what has not been measured; a case that no rival confirms counts too: ours might be wrong there."""
    for case in cases:
        timing = time(records, case)
        if case.timed and "ratio" not in timing:
            yield f"{case.name}: {timing.get('error', 'time')}"
        elif case.timed:
            yield from (
                f"{case.name}: {name} {rival['status']}"
                for name, rival in timing["rivals"].items()
                if rival["status"] in {"not installed", "died"}
            )
            if best_rival(timing) is None:
                yield f"{case.name}: no rival has our trace"
        if memory_ratio(records, case, "ours") is None:
            yield f"{case.name}: memory"


def published(cases: Sequence[Case], records: Records) -> dict[str, Any]:
    """Return what curvlinops reports beside ours; its memory is the whole peak's ratio."""
    wanted = [case for case in cases if case.published and "ratio" in time(records, case)]
    ours = {
        case.name: {"time": time(records, case)["ratio"], "memory": memory_ratio(records, case, "ours", "peak")}
        for case in wanted
    }
    beside = {case.name: {"curvlinops": case.published, "ours": ours[case.name]} for case in wanted}
    return {"published": beside} if beside else {}


def render(cases: Sequence[Case], records: Records, title: str) -> Group:
    """Return a table of ratios, and below it why rivals have none."""
    table = Table(
        title=title, caption="Ratios to one plain forward and backward pass over the same batch; memory in brackets"
    )
    for heading in ("case", "plain ms", "ours", "median", "goal", *RIVALS, "memory"):
        table.add_column(heading, justify="left" if heading == "case" else "right")
    for case in cases:
        table.add_row(case.name, *cells(case, records))
    return Group(table, *(Text(line, style="dim") for line in remarks(cases, records)), Text(line_of(cases, records)))


def line_of(cases: Sequence[Case], records: Records) -> str:
    """Return what curvlinops reports, as a sentence; empty where there is nothing to compare."""
    return "".join(
        f"{name}: curvlinops reports {both['curvlinops']['time']:.2f} times the time and "
        f"{both['curvlinops']['memory']:.2f} times the peak memory, ours are {both['ours']['time']:.2f} and "
        + (f"{both['ours']['memory']:.2f}" if both["ours"]["memory"] else "not measured")
        for name, both in published(cases, records).get("published", {}).items()
    )


def cells(case: Case, records: Records) -> Iterator[Text | str]:
    """Yield a row of the table after its name."""
    timing = time(records, case)
    yield f"{timing['plain_s'] * 1e3:.1f}" if "plain_s" in timing else "error" if "error" in timing else ""
    yield judged(timing.get("ratio"), case.goal)
    yield judged(timing.get("paired_ratio"), None)
    yield "" if case.goal is None else f"{case.goal:.2f}"
    for name in RIVALS:
        rival = timing.get("rivals", {}).get(name, {"status": ""})
        memory = memory_ratio(records, case, name)
        figure = "" if rival["status"] != "exact" else f"{rival['ratio']:.2f}" + (f" ({memory:.2f})" if memory else "")
        yield figure or Text(rival["status"], style="dim")
    yield judged(memory_ratio(records, case, "ours"), MEMORY_GOAL)


def judged(value: float | None, goal: float | None) -> Text:
    """Return a figure, green where it meets its goal and red where it does not."""
    if value is None:
        return Text("")
    return Text(f"{value:.2f}", style="" if goal is None else "green" if value <= goal else "red")


def remarks(cases: Sequence[Case], records: Records) -> Iterator[str]:
    """Yield why a method has no figure on a case."""
    for case in cases:
        timing, memory = time(records, case), records.get(case.name, {}).get("memory", {})
        if "error" in timing:
            yield f"{case.name}: {timing['error']}"
        for name, rival in timing.get("rivals", {}).items():
            if rival["status"] != "exact":
                detail = rival.get("detail", f"its trace deviates by {rival.get('deviation', 0):.1e}")
                yield f"{case.name}: {name} {rival['status']}: {detail}"
        yield from (f"{case.name}: memory of {name}: {of['error']}" for name, of in memory.items() if "error" in of)


def as_line(cases: Sequence[Case], records: Records) -> str:
    """Return the summary as one line of JSON."""
    return json.dumps(summary(cases, records))
