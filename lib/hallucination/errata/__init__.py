"""Errata: for each defect of the paper where it stands, the check that refutes it and the check that repairs it.

One module per module of :mod:`hallucination.checks` lists its errata.  What
the book prints as counterexample and whether the conclusion survives are
read from the evidence of a build, never typed.
"""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass

from hallucination import claims


@dataclass(frozen=True)
class Erratum:
    """One defect.

    Attributes
    ----------
    id : str
        ``"<claim id>/<slug>"``.
    claim : str
        Id of the statement it belongs to.
    where : str
        Place in the paper: section, display, line (``"Appendix B.1, display of m_i"``).
    printed : str
        What is printed there, in our words with the formula; Markdown with ``$…$``.
    defect : str
        Why that does not hold, in one to three sentences; Markdown.
    repair : str
        The smallest change that mends it; Markdown.
    refuted_by : tuple of str
        Ids of checks whose outcome must be ``fails``; their detail is the counterexample.  Every printed check that
        fails belongs to exactly one erratum.  A *stronger* check may refute a sentence that the paper prints beside
        its statement.
    repaired_by : tuple of str
        Ids of checks that must hold: the repair, or the reading in which the printed text is right.
    """

    id: str
    claim: str
    where: str
    printed: str
    defect: str
    repair: str
    refuted_by: tuple[str, ...]
    repaired_by: tuple[str, ...]


ERRATA: dict[str, Erratum] = {}


def erratum(
    claim: str,
    slug: str,
    *,
    where: str,
    printed: str,
    defect: str,
    repair: str,
    refuted_by: tuple[str, ...],
    repaired_by: tuple[str, ...] = (),
) -> None:
    """Register an erratum of a claim; check ids are given without the claim's id and the slash.

    Raises
    ------
    KeyError
        If there is no such claim.
    ValueError
        If the id is taken, or nothing refutes it.
    """
    claims.find(claim)
    full = f"{claim}/{slug}"
    if full in ERRATA:
        raise ValueError(f"erratum id {full!r} is taken")
    if not refuted_by:
        raise ValueError(f"erratum {full!r} needs a check that refutes what is printed")

    def ids(names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(f"{claim}/{name}" for name in names)

    ERRATA[full] = Erratum(full, claim, where, printed, defect, repair, ids(refuted_by), ids(repaired_by))


def load() -> dict[str, Erratum]:
    """Import every module of this package, so that all errata are registered, and return them."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    return ERRATA
