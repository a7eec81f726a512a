"""The work of the Snakefile's rules, one process per job."""

from __future__ import annotations

import sys
from pathlib import Path

import click
import nbformat

from hallucination import records
from hallucination.press.chapters import PressError, find_root
from hallucination.press.plan import Plan, load


@click.group()
@click.option("--plan", "plan_file", type=click.Path(path_type=Path, exists=True), required=True)
@click.pass_context
def work(context: click.Context, plan_file: Path) -> None:
    """Do one job of a plan."""
    context.obj = load(find_root(), plan_file)


@work.command()
@click.argument("stem")
@click.argument("label")
@click.pass_obj
def execute(plan: Plan, stem: str, label: str) -> None:
    """Execute one chapter or page."""
    from hallucination.press.execute import run_notebook as run

    plan.still_holds(stem)
    nb = run(plan.find(stem), plan.parameters[stem], label)
    plan.still_holds(stem)
    records.write_text(plan.root / plan.executed(stem), nbformat.writes(nb))


@work.command()
@click.pass_obj
def evidence(plan: Plan) -> None:
    """Write evidence and run records of all chapters."""
    from hallucination.press.stage import write_evidence

    write_evidence(plan)


@work.command()
@click.pass_obj
def bind(plan: Plan) -> None:
    """Render the book and put it in place."""
    from hallucination.press.bind import bind as run

    print("rendering the pages", flush=True)
    run(plan)


if __name__ == "__main__":
    try:
        work(standalone_mode=False)
    except PressError as error:
        sys.exit(f"error: {error}")
