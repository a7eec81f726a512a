"""The errata as a page: every defect with its counterexample and its repair, as one build found them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from IPython.display import Markdown

from hallucination import claims, errata, report, verdicts
from hallucination.errata import Erratum

# Sections of the paper in its order; the figures that claims name stand in these sections.
SECTIONS = ("§1", "§3", "§4", "§5", "§6", "§7", "Appendix A", "Appendix B", "Appendix C")
_FIGURES = {"Figure 2": "§4", "Figure 7": "Appendix A", "Figure 8": "Appendix A"}

# Does the statement survive?  Answered from its verdict in the build.
SURVIVES = {
    verdicts.AS_PRINTED: "Yes, as printed; the defect is not in the statement itself.",
    verdicts.AFTER_REPAIR: "Yes, after the repair.",
    verdicts.AMBIGUOUS: "In one reading of the text, but not in every reading.",
    verdicts.FALSE: "No.",
    verdicts.NUMERICALLY: "Yes, as far as simulation and experiment can tell.",
    verdicts.QUOTED: "Yes; it is a classical result.",
}
_OPEN = "This build leaves it open."

# Brackets and relations of a formula; a relation that carries something on top is none to break at.
_TOKENS = re.compile(
    r"\\overset\W*\w\W*=|[([{)\]}]|(?P<relation>\\(?:leq?|geq?|ne|to|iff|subseteq)(?![A-Za-z])|:=|[=<>])"
)

Finding = Literal["refuted", "not refuted", "not run"]


@dataclass(frozen=True)
class Remark:
    """An erratum with its number on the page and with what a build knows about it.

    Attributes
    ----------
    number : int
        Position on the page, from 1.
    erratum : Erratum
        The defect.
    row : mapping
        Row of the statement in the table of verdicts.
    refuting, repairing : tuple of mappings
        Evidence of the build for the checks that refute the printed text, and for those that hold in its place.
    """

    number: int
    erratum: Erratum
    row: Mapping[str, Any]
    refuting: tuple[Mapping[str, Any], ...]
    repairing: tuple[Mapping[str, Any], ...]

    @property
    def finding(self) -> Finding:
        """``"refuted"`` only if every refuting check that ran in the build failed, and its control failed, too."""
        if not self.refuting:
            return "not run"
        return "refuted" if all(c["outcome"] == c["control"] == "fails" for c in self.refuting) else "not refuted"


def section_of(claim: claims.Claim) -> str:
    """Section of the paper that prints a statement.

    Raises
    ------
    ValueError
        If its place names no section of the paper.
    """
    place = _FIGURES.get(claim.place, claim.place)
    for section in SECTIONS:
        if re.match(rf"{section}\b", place):
            return section
    raise ValueError(f"the place of {claim.id} must begin with one of {', '.join(SECTIONS)}; got {claim.place!r}")


def remarks(rows: Iterable[Mapping[str, Any]], known: Iterable[Erratum] | None = None) -> list[Remark]:
    """All errata in the paper's order, numbered, with the evidence of a build.

    Parameters
    ----------
    rows : iterable of mappings
        Verdicts of all statements, as :func:`hallucination.report.rows_of_build` returns them.
    known : iterable of Erratum, optional
        The errata; those of the library if not given.
    """
    table = {row["id"]: row for row in rows}
    order = {claim_id: k for k, claim_id in enumerate(table)}
    every = list(errata.load().values() if known is None else known)
    every.sort(key=lambda e: (SECTIONS.index(section_of(claims.find(e.claim))), order[e.claim]))
    found = []
    for number, erratum in enumerate(every, 1):
        row = table[erratum.claim]
        checks = {c["id"]: c for c in row["checks"]}
        refuting = tuple(checks[i] for i in erratum.refuted_by if i in checks)
        repairing = tuple(checks[i] for i in erratum.repaired_by if i in checks)
        found.append(Remark(number, erratum, row, refuting, repairing))
    return found


def plain(text: str) -> str:
    """Escape a line of plain text for Markdown."""
    return re.sub(r"([\\`*_{}\[\]<>$|#~@^-])", r"\\\1", text)


def breakable(text: str, longest: int = 40) -> str:
    r"""Split long inline formulas before their relations, ``$a=b$`` into ``$a$ $=b$``, to fit narrow screens.

    A formula within brackets or braces is left alone, and so is one of at most `longest` characters.
    """

    def split(match: re.Match[str]) -> str:
        formula, depth, parts, start = match[1], 0, [], 0
        if formula is None or len(formula) <= longest:
            return match[0]
        for token in _TOKENS.finditer(formula):
            depth += (token[0][-1] in "([{") - (token[0][-1] in ")]}")
            if token["relation"] and depth == 0 and token.start() > start:
                parts.append(formula[start : token.start()])
                start = token.start()
        return " ".join(f"${part.strip()}$" for part in (*parts, formula[start:]))

    return re.sub(r"\$\$[^$]*\$\$|\$([^$]+)\$", split, text)


def _sentence(text: str) -> str:
    """Plain text as a Markdown sentence: a first word (but no symbol) gets a capital, the end a full stop."""
    is_word = re.match(r"[a-z]{2,}\b|a [a-z]{2,}\b", text)
    start = text[:1].upper() + text[1:] if is_word else text
    return plain(start) + ("" if start.endswith(".") else ".")


def _kinds(evidence: Iterable[Mapping[str, Any]]) -> str:
    return ", ".join(dict.fromkeys(str(c["evidence"]) for c in evidence))


def _counterexample(remark: Remark) -> str:
    found = [_sentence(c["detail"]) for c in remark.refuting]
    return f"**Counterexample** *({_kinds(remark.refuting)})*. {' '.join(found)}"


def _repair_checked(remark: Remark) -> str:
    """In italics: which kinds of evidence stand behind the repair."""
    held = [c for c in remark.repairing if c["outcome"] == "holds" and c["control"] == "fails"]
    if held:
        return f" *(checked: {_kinds(held)})*"
    return " *(no check of it held in this build)*" if remark.erratum.repaired_by else ""


def _body(remark: Remark) -> str:
    """Text of a remark below its title."""
    erratum, row = remark.erratum, remark.row
    if remark.finding == "not run":
        return (
            f"No check of this build looked at this place, so this page says nothing about it. Its chapter, "
            f"`{row['chapter']}`, was not part of the build, or does not show the check yet."
        )
    if remark.finding == "not refuted":
        seen = "; ".join(f"{plain(c['id'])}: {c['outcome']}" for c in remark.refuting)
        return f"This build did not refute what is printed here, so this page does not repeat the claim ({seen})."
    return (
        f"**Printed.** {breakable(erratum.printed)}\n\n"
        f"**Why it does not hold.** {breakable(erratum.defect)}\n\n"
        f"{_counterexample(remark)}\n\n"
        f"**Repair.** {breakable(erratum.repair)}{_repair_checked(remark)}\n\n"
        f"**Does the statement survive?** {SURVIVES.get(row['statement'], _OPEN)}"
    )


def _statement(row: Mapping[str, Any], chapters: Iterable[str]) -> str:
    """Label of a statement, linked to its place in the book if its chapter exists, and its title."""
    claim = claims.find(row["id"])
    label = plain(claim.label)
    if claim.chapter in chapters:
        label = f'<a href="{claim.address}">{label}</a>'
    return f"On {label}: {plain(claim.title)}."


def section(found: Iterable[Remark], name: str) -> Markdown:
    """The remarks on one section of the paper, each in a box of its own; to be rendered as MyST."""
    mine = [r for r in found if section_of(claims.find(r.erratum.claim)) == name]
    chapters = report.chapters_here()
    boxes = [
        f":::::{{admonition}} {r.number}. {r.erratum.where}\n:class: erratum\n\n"
        f"{_statement(r.row, chapters)}\n\n{_body(r)}\n:::::\n"
        for r in mine
    ]
    return Markdown("\n".join(boxes) or "No remark so far.")


def opening(found: Iterable[Remark]) -> Markdown:
    """The opening paragraph: how many remarks, on how many statements, and how these fare."""
    found = list(found)
    refuted = [r for r in found if r.finding == "refuted"]
    rows = {r.erratum.claim: r.row for r in refuted}
    numbered = sum(claim in claims.CLAIMS for claim in rows)
    answers = [SURVIVES.get(row["statement"], _OPEN) for row in rows.values()]
    tally = {answer: answers.count(answer) for answer in (*SURVIVES.values(), _OPEN) if answer in answers}
    left = len(found) - len(refuted)
    silent = f" On {left} more passages this build has no finding; their boxes say so." if left else ""
    fates = "".join(f"\n- {n} of {len(rows)}: {answer}" for answer, n in tally.items())
    return Markdown(
        f"This build refuted {len(refuted)} printed passages. They concern {numbered} of the paper's "
        f"{len(claims.CLAIMS)} numbered statements and {len(rows) - numbered} sentences, captions or findings "
        f"without a number.{silent}\n\nDo these statements survive?\n{fates}"
    )


def sentence(found: Iterable[Remark]) -> str:
    """One sentence for the front page: how many defects this build found."""
    refuted = [r for r in found if r.finding == "refuted"]
    return f"The build refuted {len(refuted)} printed passages, each with a counterexample and a repair."
