"""The tree keeps its promises: pins, notebooks without outputs, parameters that are read, a README that is true."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import jupytext
import pytest
import yaml

from conftest import BIN, ROOT
from hallucination import claims, parameters
from hallucination.press.chapters import Chapter, files_of_book, is_notebook, read_book
from hallucination.press.plan import REFERENCE, Plan, model_of, read_profile, validate

CHAPTERS, PAGES = read_book(ROOT)
PROFILES = sorted(p.stem for p in (ROOT / "profiles").glob("*.yml"))


def pins(name: str = "requirements.lock") -> list[str]:
    lines = (ROOT / name).read_text("utf8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def test_environment_holds_the_pins_of_the_lock_file() -> None:
    dependencies = yaml.safe_load((ROOT / "environment.yml").read_text("utf8"))["dependencies"]
    assert next(d["pip"] for d in dependencies if isinstance(d, dict)) == [*pins(), "-e ."]


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-models.lock"])
def test_every_pin_is_exact_and_names_no_host(name: str) -> None:
    assert pins(name)
    assert [pin for pin in pins(name) if not re.fullmatch(r"[\w.-]+==[\w.]+", pin)] == []


def test_declared_dependencies_are_pinned() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf8"))["project"]
    extras = project["optional-dependencies"].values()
    names = {re.split(r"[<>=]", d)[0] for part in [project["dependencies"], *extras] for d in part}
    locked = {pin.partition("==")[0].lower().replace("_", "-") for pin in pins()}
    assert {n.lower().replace("_", "-") for n in names} <= locked


@pytest.mark.parametrize("chapter", [*CHAPTERS, *PAGES], ids=lambda c: c.stem)
def test_notebooks_carry_no_outputs(chapter: Chapter) -> None:
    nb = jupytext.read(ROOT / chapter.path)
    assert all(not c.get("outputs") and c.get("execution_count") is None for c in nb.cells)


def test_no_ipynb_in_git() -> None:
    done = subprocess.run(["git", "ls-files", "*.ipynb"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout == ""


def undefined(code: str, folder: Path) -> str:
    """What ruff says about names that are used and defined nowhere above."""
    (folder / "chapter.py").write_text(code, "utf8")
    command = [BIN / "ruff", "check", "--isolated", "--select", "F821", "--output-format", "concise", "chapter.py"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stdout


@pytest.mark.parametrize("chapter", [*CHAPTERS, *PAGES], ids=lambda c: c.stem)
def test_chapters_use_no_name_before_it_is_defined(chapter: Chapter, tmp_path: Path) -> None:
    assert undefined(chapter.python, tmp_path) == ""


def test_an_undefined_name_is_found(tmp_path: Path) -> None:
    assert "Undefined name `number`" in undefined("print(number(1))\nfrom math import pi as other\n", tmp_path)


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda c: c.stem)
def test_every_parameter_has_help_type_and_a_default_in_range(chapter: Chapter) -> None:
    assert chapter.parameters, "a chapter has parameters"
    assert [p.name for p in chapter.parameters.values() if not p.help] == []
    assert chapter.stem in parameters.CHAPTERS
    assert list(model_of(chapter).model_fields) == list(chapter.parameters)
    validate(chapter, {name: p.default for name, p in chapter.parameters.items()})


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda c: c.stem)
def test_every_parameter_is_read(chapter: Chapter) -> None:
    assert unread(chapter) == []


def unread(chapter: Chapter) -> list[str]:
    """Parameters that no cell after the validating one reads as an attribute of the validated object."""
    tree = ast.parse(chapter.python)
    model = model_of(chapter).__name__
    made = [
        node.targets[0].id
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and isinstance(node.value, ast.Call)
        and getattr(node.value.func, "id", getattr(node.value.func, "attr", "")) == model
    ]
    assert len(made) == 1, f"{chapter.stem} must validate its parameters once, as {model}(...)"
    read = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == made[0]
    }
    return [name for name in chapter.parameters if name not in read]


def test_unread_parameter_is_found(tmp_path: Path) -> None:
    """The control: take one reading away from a chapter, and the test above must notice."""
    source = (ROOT / CHAPTERS[0].path).read_text("utf8")
    name = next(iter(CHAPTERS[0].parameters))
    (tmp_path / "notebooks").mkdir()
    path = tmp_path / "notebooks" / CHAPTERS[0].path.name
    path.write_text(re.sub(rf"\bp\.{name}\b", "0.5", source), "utf8")
    assert unread(Chapter(path.relative_to(tmp_path), tmp_path)) == [name]


@pytest.mark.parametrize("name", PROFILES)
def test_profiles_fit_the_chapters(name: str) -> None:
    assert Plan(ROOT, profile=name).parameters
    assert REFERENCE in PROFILES


def test_the_paper_profile_reaches_the_papers_size() -> None:
    coins = read_profile(ROOT, "paper")["09-coins"]
    assert coins["rounds"] == 5
    assert 20_000 <= coins["n_flips"] <= 40_000
    assert 20 <= coins["epochs"] <= 40


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda c: c.stem)
def test_chapters_name_the_statements_that_name_them(chapter: Chapter) -> None:
    facts = chapter.facts
    named = [*facts["statements"], *facts.get("unnumbered", [])]
    for claim in (claims.CLAIMS | claims.UNNUMBERED).values():
        if claim.chapter == chapter.stem:
            assert claim.id in named
    assert {"seconds", "memory_mb"} <= set(facts["cost"])


def test_every_page_is_in_the_table_of_contents() -> None:
    listed = set(files_of_book(ROOT))
    on_disk = {p.relative_to(ROOT) for p in [*ROOT.glob("book/*.md"), *ROOT.glob("notebooks/*.md")]}
    assert on_disk == listed
    assert any(is_notebook(ROOT / p) for p in listed)


def labels(root: Path) -> list[str]:
    """Labels of boxes, exercises and figures in all chapters and pages of a tree."""
    texts = [p.read_text("utf8") for p in [*root.glob("book/*.md"), *root.glob("notebooks/*.md")]]
    return [m for text in texts for m in re.findall(r"^(?::label:|    name:) (\S+)$", text, re.M)]


def test_labels_are_unique_in_the_book(tmp_path: Path) -> None:
    found = labels(ROOT)
    assert len(found) > 100
    assert sorted({label for label in found if found.count(label) > 1}) == []
    (tmp_path / "notebooks").mkdir()  # the control: one exercise in two chapters
    for name in ("a", "b"):
        (tmp_path / "notebooks" / f"{name}.md").write_text("````{exercise}\n:label: ex-x\n````\n", "utf8")
    assert labels(tmp_path) == ["ex-x", "ex-x"]


def test_import_is_light() -> None:
    code = "import sys, hallucination; print(sorted({'torch', 'matplotlib', 'sympy', 'scipy'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_rooms_import_only_from_the_rooms_below() -> None:
    done = subprocess.run([BIN / "lint-imports"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_style_and_types() -> None:
    for words in (["ruff", "check", "lib", "tests", "benchmarks"], ["mypy"]):
        done = subprocess.run([BIN / words[0], *words[1:]], cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def readme_commands() -> list[str]:
    text = (ROOT / "README.md").read_text("utf8")
    blocks = re.findall(r"```sh\n(.*?)```", text, re.S)
    return [line.split("  #")[0].strip() for block in blocks for line in block.splitlines() if line.strip()]


def test_readme_commands_are_tested_as_written() -> None:
    """Each command of the README is known here; what it does is tested where the right column says."""
    tested = {
        "make book": "by `make test`, which needs it",
        "make test": "this",
        "make serve": "test_book",
        "sudo apt-get install --no-install-recommends chromium": ".ci/run",
        "source .venv/bin/activate": "nothing to test",
        "hallucination list": "here",
        "hallucination run 09-coins -p n_coins_half=3 -p epochs=4": "test_runs_of_a_reader",
        "hallucination run --profile paper": "test_press, on a small book",
        "hallucination verdicts": "here",
        "hallucination check lem-B.1": "here",
        "make lint": "here",
        "make benchmarks": "by hand: timings are no tests",
    }
    assert set(readme_commands()) <= set(tested)
    makefile = (ROOT / "Makefile").read_text("utf8")
    for command in readme_commands():
        if command.startswith("make "):
            assert re.search(rf"^{command.split()[1]}:", makefile, re.M)


@pytest.mark.parametrize("words", [["list"], ["check", "lem-B.1"], ["list", "--json"]])
def test_readme_command_works(words: list[str]) -> None:
    done = subprocess.run([BIN / "hallucination", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "n_coins_half" in done.stdout or "lem-B.1/" in done.stdout


def test_readme_lists_every_chapter() -> None:
    text = (ROOT / "README.md").read_text("utf8")
    assert [c.stem for c in CHAPTERS if f"| `{c.stem}` |" not in text] == []


def test_readme_run_is_understood() -> None:
    """The example run of the README, up to where its kernel would start (that is tested under `slow`)."""
    plan = Plan(ROOT, Path("runs/x"), given={"09-coins": {"n_coins_half": 3, "epochs": 4}}, only=("09-coins",))
    assert plan.parameters["09-coins"] == {"n_coins_half": [3], "epochs": 4}


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    "words",
    [
        "09-coins -p n_coins_half=3 -p epochs=4",  # the README's
        # Several seeds, as the paper's profile has them, with random weights.
        "10-open-questions -p models=tiny -p seeds=[0,1] -p epochs=1 -p n_train=8 -p n_eval=6 -p n_voices=4",
    ],
)
def test_runs_of_a_reader(words: str) -> None:
    command = [BIN / "hallucination", "run", *words.split()]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "page: file://" in done.stdout
