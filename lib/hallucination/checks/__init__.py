"""A check is a function that tries to refute a statement; its control is a wrong statement it must refute.

A check function takes the statement as keyword arguments and returns an
:class:`Outcome`.  The decorator :func:`check` registers it for a claim with
the arguments of the statement and, as the control, the arguments of a
deliberately wrong statement for which the same function must answer ``fails``.
"""

from __future__ import annotations

import importlib
import pkgutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

from hallucination import claims

Form = Literal["printed", "repaired", "stronger"]
Part = Literal["statement", "proof"]
Evidence = Literal["symbolic", "solver", "interval", "exact", "property", "simulation", "experiment", "quoted"]
Verb = Literal["holds", "fails", "undecided", "not run"]

TIME_LIMIT = 10.0  # processor seconds for a check with its control; beyond it the outcome is undecided


@dataclass(frozen=True)
class Outcome:
    """What a check found: a verb, and the witness, margin or reason in one line."""

    verb: Verb
    detail: str = ""


def holds(detail: str = "") -> Outcome:
    """The statement survived; `detail` says what was found (a margin, a range, a number of cases)."""
    return Outcome("holds", detail)


def fails(counterexample: str) -> Outcome:
    """The statement is refuted by `counterexample`."""
    return Outcome("fails", counterexample)


def undecided(reason: str) -> Outcome:
    """The tool gave no answer (SymPy's None, z3's unknown, a time limit)."""
    return Outcome("undecided", reason)


def not_run(needs: str) -> Outcome:
    """The check was not run; `needs` says what it would take (a GPU, a model, a data set)."""
    return Outcome("not run", needs)


def decide(answer: bool | None, detail: str, counterexample: str) -> Outcome:
    """Turn a three-valued answer into an outcome; ``None`` is undecided, never true."""
    if answer is None:
        return undecided("the tool returned no answer")
    return holds(detail) if answer else fails(counterexample)


@dataclass(frozen=True)
class Check:
    """A registered check of one claim.

    Attributes
    ----------
    id : str
        ``"<claim id>/<function name>"`` unless a name was given.
    claim, part, form, evidence : str
        What is checked, and with which kind of evidence (see DESIGN of the book: checks).
    says : str
        The checked statement in one sentence.
    reading : str
        Which reading of an ambiguous statement this is; empty if there is only one.
    run : callable
        The check function.
    statement, control : dict
        Arguments of the statement, and of the wrong statement that must fail.
    """

    id: str
    claim: str
    part: Part
    form: Form
    evidence: Evidence
    says: str
    reading: str
    run: Callable[..., Outcome]
    statement: dict[str, Any]
    control: dict[str, Any]


@dataclass(frozen=True)
class Result:
    """Evidence of one run of a check; this is what evidence files hold."""

    id: str
    claim: str
    part: Part
    form: Form
    evidence: Evidence
    says: str
    reading: str
    outcome: Verb
    detail: str
    control: Verb
    control_detail: str
    seconds: float

    @property
    def counts(self) -> bool:
        """True if the control came out ``fails``, or if nothing was run: only then does the outcome count."""
        return self.control == "fails" or self.outcome == "not run"


REGISTRY: dict[str, Check] = {}


def check(
    claim: str,
    says: str,
    *,
    form: Form,
    evidence: Evidence,
    control: dict[str, Any],
    statement: dict[str, Any] | None = None,
    part: Part = "statement",
    reading: str = "",
    name: str = "",
) -> Callable[[Callable[..., Outcome]], Callable[..., Outcome]]:
    """Register a check function for a claim (see the module docstring).

    Raises
    ------
    ValueError
        If the id is taken, or the control equals the statement.
    KeyError
        If there is no such claim.
    """
    claims.find(claim)
    if control == (statement or {}):
        raise ValueError(f"the control of a check of {claim} must differ from its statement")

    def register(function: Callable[..., Outcome]) -> Callable[..., Outcome]:
        check_id = f"{claim}/{name or function.__name__.replace('_', '-')}"
        if check_id in REGISTRY:
            raise ValueError(f"check id {check_id!r} is taken")
        REGISTRY[check_id] = Check(
            check_id, claim, part, form, evidence, says, reading, function, statement or {}, control
        )
        return function

    return register


def load() -> dict[str, Check]:
    """Import every module of this package, so that all checks are registered, and return them."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    return REGISTRY


def of_claim(claim: str) -> list[Check]:
    """Checks of one claim that are registered so far, in order of registration.

    A chapter imports the modules of this package whose checks it shows, so
    that the press knows what the chapter depends on; :func:`load` is for
    callers that want all.
    """
    return [c for c in REGISTRY.values() if c.claim == claim]


@contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    """Raise TimeoutError in the main thread after `seconds` of processor time (signals work only there).

    Not of wall time: a verdict must not depend on what else the machine is doing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def expire(signum: int, frame: object) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGPROF, expire)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def _attempt(function: Callable[..., Outcome], arguments: dict[str, Any], seconds: float) -> Outcome:
    try:
        with _time_limit(seconds):
            return function(**arguments)
    except TimeoutError:
        return undecided(f"no answer within {seconds:g} s")


def run(item: Check, time_limit: float = TIME_LIMIT) -> Result:
    """Run a check and its control, each under half of `time_limit` seconds."""
    start = time.process_time()
    outcome = _attempt(item.run, item.statement, time_limit / 2)
    control = _attempt(item.run, item.control, time_limit / 2)
    return Result(
        item.id,
        item.claim,
        item.part,
        item.form,
        item.evidence,
        item.says,
        item.reading,
        outcome.verb,
        outcome.detail,
        control.verb,
        control.detail,
        round(time.process_time() - start, 3),
    )
