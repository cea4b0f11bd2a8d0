"""The files around the code agree with it: environment, entry points, stages, verbs, README."""

import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml
from dvc.cli.parser import get_main_parser
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from taskzoo.cli import app

ROOT = Path(__file__).parent.parent
LINES = 60
HEAVY = ("torch", "timm", "mlflow", "pandas", "great_expectations")
Stages = Mapping[str, Mapping[str, Any]]


def load(name: str) -> Any:
    return yaml.safe_load((ROOT / name).read_text())


def pins(lines: list[str]) -> dict[str, str]:
    split = [line.split("==") for line in lines if line.strip() and not line.startswith("#")]
    return {canonicalize_name(name): version for name, version in split}


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    loaded: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return loaded


@pytest.fixture(scope="module")
def stages() -> Stages:
    """Return every stage of dvc.yaml, those made by `foreach` once for each key of params.yaml."""
    params, found = load("params.yaml"), {}
    for name, stage in load("dvc.yaml")["stages"].items():
        if "foreach" not in stage:
            found[name] = stage
            continue
        for key, item in params[stage["foreach"].strip("${}")].items():
            text = yaml.safe_dump(stage["do"]).replace("${key}", key)
            for field, value in item.items():
                text = text.replace(f"${{item.{field}}}", str(value))
            found[f"{name}@{key}"] = yaml.safe_load(text)
    return found


def out_paths(stage: Mapping[str, Any]) -> list[str]:
    return [out if isinstance(out, str) else next(iter(out)) for out in stage["outs"]]


def test_conda_pins_are_the_locks_and_cover_every_dependency(project: dict[str, Any]) -> None:
    lock = pins((ROOT / "requirements.lock").read_text().splitlines())
    dependencies = load("conda.yaml")["dependencies"]
    (listed,) = (each["pip"] for each in dependencies if isinstance(each, dict))
    conda = pins(listed)
    assert conda == {name: lock[name] for name in conda}
    assert set(conda) == {canonicalize_name(Requirement(each).name) for each in project["dependencies"]}
    python = next(each for each in dependencies if str(each).startswith("python="))
    assert SpecifierSet(project["requires-python"]).contains(python.removeprefix("python="))


def test_the_lock_lies_within_the_projects_ranges(project: dict[str, Any]) -> None:
    lock = pins((ROOT / "requirements.lock").read_text().splitlines())
    for text in project["dependencies"] + project["optional-dependencies"]["dev"]:
        wanted = Requirement(text)
        assert wanted.specifier.contains(lock[canonicalize_name(wanted.name)]), text


def test_entry_points_name_modules_and_their_own_parameters() -> None:
    description = load("MLproject")
    assert (ROOT / description["conda_env"]).is_file()
    for name, entry in description["entry_points"].items():
        used = set(re.findall(r"\{(\w+)\}", entry["command"]))
        assert used == set(entry.get("parameters", {})), name
        check_command(entry["command"])


def check_command(command: str) -> None:
    """Fail unless a command runs a module that exists, or is one that dvc understands."""
    words = shlex.split(command)
    if words[:2] == ["python", "-m"]:
        assert find_spec(words[2]) is not None, command
    else:
        check_dvc(words)


def check_dvc(words: list[str]) -> None:
    assert words[0] == "dvc", words
    parsed = get_main_parser().parse_args(words[1:])
    assert parsed.func is not None, words


def test_every_script_is_short_and_is_a_stage_or_an_entry_point(stages: Stages) -> None:
    commands = [stage["cmd"] for stage in stages.values()]
    commands += [entry["command"] for entry in load("MLproject")["entry_points"].values()]
    run = {words[2] for words in map(shlex.split, commands) if words[:2] == ["python", "-m"]}
    scripts = {f"pipelines.{path.stem}": path for path in (ROOT / "pipelines").glob("[!_]*.py")}
    assert set(scripts) == run
    for path in scripts.values():
        assert len(path.read_text().splitlines()) <= LINES, path


def test_stages_name_modules_files_parameters_and_other_stages_results(stages: Stages) -> None:
    made = [Path(out) for stage in stages.values() for out in out_paths(stage)]
    params = load("params.yaml")
    for name, stage in stages.items():
        check_command(stage["cmd"])
        assert f"{shlex.split(stage['cmd'])[2].replace('.', '/')}.py" in stage["deps"], name
        for each in map(Path, stage["deps"]):
            ours = each.parts[0] in {"taskzoo", "pipelines"}
            assert (ROOT / each).exists() if ours else any(each == out or each in out.parents for out in made), (
                name,
                each,
            )
        for key in stage.get("params", []):
            place = params
            for part in key.split("."):
                assert part in place, (name, key)
                place = place[part]


def test_what_stages_make_is_ignored_by_git(stages: Stages) -> None:
    made = [out for stage in stages.values() for out in out_paths(stage)]
    made += [
        "mlflow.db",
        "mlflow.db.lock",
        "mlartifacts/",
        "data-docs/",
        "dvc_plots/",
        "targets/new/package/",
        ".taskzoo/",
    ]
    done = subprocess.run(["git", "check-ignore", *made], cwd=ROOT, capture_output=True, text=True, check=False)
    assert set(made) - set(done.stdout.split()) == set()
    kept = ["targets/new/data.dvc", "params.yaml", "dvc.lock"]
    assert subprocess.run(["git", "check-ignore", *kept], cwd=ROOT, check=False, capture_output=True).stdout == b""


def verbs() -> set[str]:
    return {command.name or str(getattr(command.callback, "__name__", "")) for command in app.registered_commands}


def test_help_lists_every_verb_and_imports_nothing_heavy() -> None:
    script = (
        "import sys\nfrom taskzoo.cli import app\ntry:\n    app(['--help'])\nexcept SystemExit as end:\n"
        f"    assert not end.code\nprint('imported:', *set({HEAVY!r}) & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    shown, imported = done.stdout.split("imported:")
    assert imported.split() == []
    assert all(re.search(rf"\b{verb}\b", shown) for verb in verbs())


def test_every_stage_is_a_verb(stages: Stages) -> None:
    assert {name.split("@")[0] for name in stages} | {"adapt", "all"} == verbs()


def readme_commands() -> Iterator[list[str]]:
    """Yield the words of every command in the README's bash blocks."""
    for block in re.findall(r"```bash\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL):
        for line in block.splitlines():
            for command in line.split("&&"):
                if words := shlex.split(command, comments=True):
                    yield words


def test_the_readmes_commands_exist(stages: Stages) -> None:
    seen = set()
    for words in readme_commands():
        seen.add(words[0])
        if words[0] == "make":
            check_make(words)
        elif words[0] == "dvc":
            check_dvc(words)
            check_targets(words, stages)
        elif words[0] == "mlflow":
            check_mlflow(words)
        elif words[0] == "taskzoo":
            assert words[1] in verbs() | {"--help"}, words
    assert seen >= {"make", "dvc", "mlflow", "taskzoo"}


def check_make(words: list[str]) -> None:
    makefile = (ROOT / "Makefile").read_text()
    for word in words[1:]:
        variable = re.fullmatch(r"([A-Z_]+)=.*", word)
        wanted = rf"\b{variable[1]}\b" if variable else rf"(?m)^{re.escape(word)}:"
        assert re.search(wanted, makefile), words


def check_targets(words: list[str], stages: Stages) -> None:
    """Check the stages and the changed parameters of `dvc repro` and `dvc exp run`."""
    parsed = get_main_parser().parse_args(words[1:])
    if words[1:3] != ["exp", "run"] and words[1] != "repro":
        return
    names = set(stages) | {name.split("@")[0] for name in stages}
    assert set(parsed.targets) <= names, words
    for change in getattr(parsed, "set_param", None) or []:
        place = load("params.yaml")
        for part in change.split("=")[0].split("."):
            assert part in place, words
            place = place[part]


def check_mlflow(words: list[str]) -> None:
    assert words[1:3] == ["run", "."], words
    options = dict(zip(words[3::2], words[4::2], strict=True))
    entry = load("MLproject")["entry_points"][options.get("-e", "main")]
    given = [word.split("=")[0] for option, word in zip(words[3::2], words[4::2], strict=True) if option == "-P"]
    assert set(given) <= set(entry.get("parameters", {})), words


def test_the_makes_and_verbs_that_the_readme_mentions_exist() -> None:
    for command in re.findall(r"`((?:make|taskzoo) [^`]+)`", (ROOT / "README.md").read_text()):
        words = shlex.split(command)
        if words[0] == "make":
            check_make(words)
        elif words[1] != "...":
            assert words[1] in verbs(), command


def test_the_readmes_paths_exist() -> None:
    readme = (ROOT / "README.md").read_text()
    for path in re.findall(r"!\[[^\]]*\]\(([^)]+)\)", readme) + re.findall(
        r"`((?:taskzoo|params|docs)/[^`]*)`", readme
    ):
        assert (ROOT / path).exists(), path
