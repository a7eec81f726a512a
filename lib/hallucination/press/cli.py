"""Command line of the book: list, run, verdicts, check."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any, NoReturn

import click
import yaml

from hallucination import __version__
from hallucination.press.chapters import Chapter, PressError, find_root, pick
from hallucination.press.plan import REFERENCE, Plan, read_yaml, rule


class _Commands(click.Group):
    """A group that reports refusals as one line and exit status 2."""

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except PressError as error:
            _refuse(str(error))


def _refuse(message: str) -> NoReturn:
    click.echo(f"error: {message}", err=True)
    sys.exit(2)


@click.group(cls=_Commands)
@click.version_option(__version__, prog_name="hallucination")
def main() -> None:
    """Read and re-run the living paper of 'Are Hallucinations Bad Estimations?'."""


def _describe(chapter: Chapter) -> dict[str, Any]:
    facts = chapter.facts
    return {
        "chapter": chapter.stem,
        "title": chapter.title,
        "statements": [*facts.get("statements", []), *facts.get("unnumbered", [])],
        "cost": facts.get("cost", {}),
        "gpu": chapter.gpu,
        "parameters": [
            {"name": p.name, "default": p.default, "allowed": rule(chapter, p.name), "help": p.help}
            for p in chapter.parameters.values()
        ],
    }


@main.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_chapters(as_json: bool) -> None:
    """List chapters, their statements, parameters with help, default and range, and their cost."""
    found = [_describe(c) for c in Plan(find_root()).book[0]]
    if as_json:
        click.echo(json.dumps(found, indent=1, ensure_ascii=False))
        return
    for chapter in found:
        units = {"seconds": "s on 2 cores", "memory_mb": "MB of memory"}
        cost = ", ".join(f"{value} {units.get(name, name)}" for name, value in chapter["cost"].items())
        click.echo(f"{chapter['chapter']}  {chapter['title']}")
        click.echo(f"  statements: {', '.join(chapter['statements']) or 'none'};  cost: {cost or 'not stated'}")
        for p in chapter["parameters"]:
            click.echo(f"  -p {p['name']}={json.dumps(p['default'])}  {p['help']} ({p['allowed']})")
        click.echo()


def _values(pairs: tuple[str, ...]) -> dict[str, Any]:
    values = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals or not name:
            raise PressError(f"-p wants name=value, got {pair!r}")
        try:
            values[name] = read_yaml(text)
        except yaml.YAMLError:
            raise PressError(f"-p {name}: {text!r} is not YAML") from None
    return values


def _folder(asked: dict[str, Any], plan: Plan) -> Path:
    """Folder of a run; equal requests on equal code share it, so an interrupted run resumes."""
    content = json.dumps([asked, plan.executions], sort_keys=True)
    digest = hashlib.sha256(content.encode()).hexdigest()[:8]
    return Path("runs") / "-".join([*(plan.only or ["book"]), asked["profile"], digest])


@main.command()
@click.argument("chapter", required=False)
@click.option("-p", "pairs", multiple=True, metavar="NAME=VALUE", help="A parameter; the value is YAML. Repeatable.")
@click.option("--profile", default=REFERENCE, show_default=True, help="Parameters of profiles/PROFILE.yml.")
@click.option("--cores", default="all", show_default=True, help="How many chapters may run at once.")
@click.option("--json", "as_json", is_flag=True, help="Print the folder and the headline results as JSON.")
def run(chapter: str | None, pairs: tuple[str, ...], profile: str, cores: str, as_json: bool) -> None:
    """Run CHAPTER (all chapters if none is named) into a folder of its own under runs/."""
    root = find_root()
    given = _values(pairs)
    if given and chapter is None:
        raise PressError("-p needs a chapter; profiles change parameters of several chapters")
    only = [pick(Plan(root).book[0], chapter).stem] if chapter else []
    asked: dict[str, Any] = {"profile": profile, "given": dict.fromkeys(only, given), "only": only}
    draft = Plan(root, Path("runs/draft"), profile, asked["given"], tuple(only))
    draft.parameters  # refused here, before any kernel starts  # noqa: B018
    asked["out"] = str(_folder(asked, draft))
    plan = Plan(root, Path(asked["out"]), profile, asked["given"], tuple(only))
    plan.write()
    command = [str(Path(sys.executable).parent / "snakemake"), "--cores", cores, "--directory", str(root)]
    command += ["--snakefile", str(root / "Snakefile"), "--config", f"request={plan.out}/plan.json"]
    done = subprocess.run(command, check=False, cwd=root, stdout=sys.stderr if as_json else None)
    if done.returncode != 0:
        sys.exit(1)
    _report(plan, as_json)


def _report(plan: Plan, as_json: bool) -> None:
    folder = plan.root / plan.out
    records = [json.loads((folder / "records" / f"{c.stem}.json").read_text("utf8")) for c in plan.chapters]
    page = folder / "html" / (plan.chapters[0].path.with_suffix(".html") if plan.only else Path("index.html"))
    results = {r["chapter"]: r["results"] for r in records}
    if as_json:
        told = {
            "folder": str(folder),
            "page": str(page),
            "parameters": {r["chapter"]: r["parameters"] for r in records},
            "seconds": {r["chapter"]: r["seconds"] for r in records},
            "results": results,
        }
        click.echo(json.dumps(told, indent=1, ensure_ascii=False))
        return
    for name, values in results.items():
        for key, value in values.items():
            click.echo(f"{name}  {key} = {value:.4g}" if isinstance(value, float) else f"{name}  {key} = {value}")
    click.echo(f"folder: {folder}")
    click.echo(f"page: {page.as_uri()}")


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def verdicts(as_json: bool) -> None:
    """Print the verdicts that follow from the evidence of the last build."""
    from hallucination import verdicts as found

    folder = find_root() / "_build" / "evidence"
    if not folder.is_dir():
        raise PressError(f"there is no evidence yet: {folder} does not exist; run `make book`")
    rows = found.table(found.read(folder))
    if as_json:
        click.echo(json.dumps(rows, indent=1, ensure_ascii=False))
        return
    for row in rows:
        click.echo(f"{row['id']:20} {found.MARKS[row['verdict']]} {row['verdict']:19} {row['title']}")


@main.command()
@click.argument("claim_ids", nargs=-1, metavar="[ID]...")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def check(claim_ids: tuple[str, ...], as_json: bool) -> None:
    """Run the checks of the statements ID now (of all if none is named).

    Exits with status 1 if a check's control did not fail: then the check proves nothing.
    """
    from dataclasses import asdict

    from hallucination import checks, claims
    from hallucination import verdicts as found

    known = claims.CLAIMS | claims.UNNUMBERED
    for name in claim_ids:
        if name not in known:
            raise PressError(f"no statement {name!r}; statements: {', '.join(known)}")
    checks.load()
    results = found.run(*claim_ids)
    if as_json:
        click.echo(json.dumps([asdict(r) for r in results], indent=1, ensure_ascii=False))
    else:
        for r in results:
            click.echo(
                f"{r.id}: {r.outcome} ({r.form} {r.part}, {r.evidence}, {r.seconds:.2f} s); control {r.control}"
            )
            click.echo(f"    {r.says}\n    {r.detail}")
        if not results:
            click.echo("no check exists for this yet")
    sys.exit(0 if all(r.counts for r in results) else 1)


if __name__ == "__main__":
    main()
