"""The press: what is made from which.

    snakemake                                          the book, laptop profile, into _build
    snakemake --config profile=paper                   another profile, into runs/paper

An execution's file name holds a digest of all that it depends on (code cells, parameters, the library files it
imports, the lock file), so a file that exists is never stale and a change of prose executes nothing.  Files are
written whole or not at all; a build killed at any moment is continued by the next one.
"""

import sys
from pathlib import Path

from hallucination.press.bind import forget_foreign_pages
from hallucination.press.chapters import PressError, find_root
from hallucination.press.plan import REFERENCE, Plan, load

try:
    ROOT = find_root()
    if "request" in config:
        PLAN = load(ROOT, Path(config["request"]))
    else:
        profile = config.get("profile", REFERENCE)
        PLAN = Plan(ROOT, Path(config.get("out", "_build" if profile == REFERENCE else f"runs/{profile}")), profile)
    PLAN.write()
    forget_foreign_pages(PLAN.out / "html")
except PressError as error:
    sys.exit(f"error: {error}")

OUT = PLAN.out
CHAPTERS = [c.stem for c in PLAN.chapters]
PAGES = [p.stem for p in PLAN.pages]
LABELS = {stem: PLAN.label(stem) for stem in PLAN.executions}
WORK = f"{sys.executable} -m hallucination.press.work --plan {OUT}/plan.json"


wildcard_constraints:
    stem="|".join([*CHAPTERS, *PAGES]),
    digest="[0-9a-f]{12}",


def before(wildcards):
    """Pages report on the chapters, so they wait for the evidence; its digests are in their own names."""
    return [ancient(OUT / "evidence.json")] if wildcards.stem in PAGES else []


rule book:
    input:
        OUT / "html" / ".built.json",


rule execute:
    """One chapter or page in a kernel of its own."""
    input:
        before,
    output:
        "_build/executed/{stem}-{digest}.ipynb",
    params:
        label=lambda w: LABELS[w.stem],
    resources:
        gpu=lambda w: int(PLAN.find(w.stem).gpu),
    threads: 1
    shell:
        "OMP_NUM_THREADS=1 " + WORK + " execute {wildcards.stem} {params.label:q}"


rule evidence:
    """What the checks and the headlines of all chapters found."""
    input:
        OUT / "plan.json",
        [PLAN.executed(c) for c in CHAPTERS],
    output:
        OUT / "evidence.json",
    shell:
        WORK + " evidence"


rule bind:
    """Text and outputs together, rendered with warnings fatal, put in place when whole."""
    input:
        OUT / "plan.json",
        OUT / "evidence.json",
        [PLAN.executed(stem) for stem in PLAN.executions],
        PLAN.texts,
    output:
        OUT / "html" / ".built.json",
    shell:
        WORK + " bind"
