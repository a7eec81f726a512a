"""Results that the book uses without checking them: quoted from the literature, or argued in prose.

A program cannot run a limit or a theorem of analysis.  What rests on such a result is listed here, so that a reader
sees where the checks end.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from IPython.display import Markdown

from hallucination import claims

Status = Literal["quoted", "argued in prose"]


@dataclass(frozen=True)
class Classic:
    """A result that stays pen and paper.

    Attributes
    ----------
    name : str
        Its usual name.
    says : str
        The result in one sentence; Markdown with ``$…$``.
    used_by : tuple of str
        Ids of the claims whose treatment in this book uses it.
    status : str
        ``"quoted"`` from the literature, or ``"argued in prose"`` in the chapters.
    source : str
        BibTeX key of a quoted result; empty otherwise.

    Raises
    ------
    KeyError
        If there is no such claim.
    ValueError
        If a quoted result has no source, or an argued one has.
    """

    name: str
    says: str
    used_by: tuple[str, ...]
    status: Status
    source: str = ""

    def __post_init__(self) -> None:
        """Refuse unknown claims, and sources that do not fit the status."""
        for claim in self.used_by:
            claims.find(claim)
        if (self.status == "quoted") != bool(self.source):
            raise ValueError(f"{self.name}: a source belongs to quoted results, got {self.status!r}, {self.source!r}")


CLASSICS: tuple[Classic, ...] = (
    Classic(
        "Markov's inequality",
        r"For $T\ge0$ and $t>0$: $\Pr[T\ge t]\le\E[T]/t$.",
        ("def-4.2", "thm-5.1", "thm-5.2", "thm-5.3"),
        "quoted",
        "billingsley1995",
    ),
    Classic(
        "Differentiation under the integral",
        "If the difference quotients have an integrable majorant, gradient and expectation may be exchanged. The "
        "majorant itself is checked.",
        ("lem-B.1",),
        "quoted",
        "billingsley1995",
    ),
    Classic(
        "Distribution function of a random variable at itself",
        r"If $F$ is the distribution function of $T$, then $\Pr[F(T)\le\alpha]\le\alpha$. The check enumerates "
        "examples.",
        ("def-4.2",),
        "argued in prose",
    ),
    Classic(
        "Induction over the states",
        "What passes from $k$ states to $k+1$ holds for every number of states. The checks prove the step.",
        ("def-4.1", "def-4.2", "rem-4.2", "thm-5.1", "thm-5.2"),
        "argued in prose",
    ),
    Classic(
        "Induction over the inputs",
        "What passes from $k$ inputs to $k+1$ holds for every number of inputs. The checks prove the step.",
        ("cor-5.2.1",),
        "argued in prose",
    ),
    Classic(
        "Almost every input",
        "A minimiser of the averaged loss is optimal at almost every input.",
        ("def-3.1", "cor-5.2.1"),
        "argued in prose",
    ),
    Classic(
        "Small changes of a law",
        r"The densities at $E$ and the peaks of normal states depend continuously on weights, means and "
        "covariances, so strict inequalities survive small changes.",
        ("thm-5.1", "sec-5-end"),
        "argued in prose",
    ),
    Classic(
        "Means that move to infinity",
        r"A continuous density that vanishes at infinity satisfies $f_i(v-Ka)\to0$ as $K\to\infty$, for $a\ne0$.",
        ("thm-5.1", "thm-5.2"),
        "argued in prose",
    ),
    Classic(
        "Kirszbraun's theorem",
        r"An $L$-Lipschitz map from a subset of $\R^n$ to $\R^m$ extends to all of $\R^n$ with the same $L$.",
        ("thm-5.3",),
        "quoted",
        "kirszbraun1934",
    ),
    Classic(
        "The reach of Lipschitz maps at one hint",
        r"The values at $X+h$ of all $L$-Lipschitz maps through $(X,E)$ fill the closed ball of radius $L\|h\|$ "
        "about $E$. Its ingredients are checked, the equality of sets is not.",
        ("thm-5.3", "sec-5-end"),
        "argued in prose",
    ),
    Classic(
        "Minimal volume of a density region (Neyman–Pearson)",
        r"Among all sets with at least the mass of $\{f\ge t\}$, this one has the least volume.",
        ("def-A.1", "rem-6.2"),
        "argued in prose",
    ),
    Classic(
        "Lyapunov's convexity theorem",
        "Laws without atoms have a common set on which each of them takes the same given mass.",
        ("def-A.1",),
        "quoted",
        "lyapunov1940",
    ),
    Classic(
        "Attainment of the threshold",
        r"$P(f(A)\ge t)$ is continuous from the left in $t$, so the supremum in the repaired "
        "Definition A.1 is attained.",
        ("def-A.1",),
        "argued in prose",
    ),
    Classic(
        "Ranks of exchangeable scores",
        "Without ties, the rank of a new score among $n$ exchangeable ones is uniform. The counting is checked.",
        ("sec-7.3-outside",),
        "quoted",
        "vovk2005",
    ),
    Classic(
        "Gibbs' inequality",
        r"$\sum_t q(t)\log\big(q(t)/p(t)\big)\ge0$ for probability vectors, with equality only for $p=q$.",
        ("def-C.1", "thm-C.1"),
        "quoted",
        "cover2006",
    ),
    Classic(
        "Pinsker's inequality",
        r"$\|p-q\|_1^2\le2\,\mathrm{KL}(p\,\|\,q)$.",
        ("thm-C.1", "rem-3.1"),
        "quoted",
        "cover2006",
    ),
    Classic(
        "Dirichlet laws that concentrate in a corner",
        r"As $\kappa\to\infty$, the density of $\mathrm{Dir}(1,\dots,\kappa,\dots,1)$ tends to $0$ away from the "
        "corner, and the mass of its region tends to 1.",
        ("thm-C.1",),
        "argued in prose",
    ),
    Classic(
        "Thin regions of the simplex",
        r"The mass that a law on the simplex has where its density is at most $\delta$ is at most $\delta/(C-1)!$.",
        ("rem-3.1",),
        "argued in prose",
    ),
    Classic(
        "From the grid lemma to the product bound",
        r"With $k$ independent copies of each mean, the grid lemma gives a bound for every $k$; as $k\to\infty$ the "
        r"share of copies in the fullest ball tends to $Q_i$ (Vapnik and Chervonenkis). The lemma and the potential "
        "are checked.",
        ("thm-6.1",),
        "quoted",
        "vapnik1971",
    ),
    Classic(
        "Symmetric unimodal laws give most to a centred ball",
        r"For such a law on $\R^m$ (convex level sets), $\Pr[|X-z|\le\rho]$ is largest at $z=0$ (Anderson).",
        ("thm-6.1",),
        "quoted",
        "anderson1955",
    ),
    Classic(
        "Cantelli's inequality",
        r"$\Pr[T>u]\ge(\E T-u)^2/\big(\operatorname{Var}T+(\E T-u)^2\big)$ for $u<\E T$.",
        ("thm-6.1", "lem-B.2"),
        "quoted",
        "billingsley1995",
    ),
)


def listing(results: Iterable[Classic] = CLASSICS) -> Markdown:
    """The results as a Markdown list with citations; to be rendered as MyST."""
    lines = []
    for r in results:
        how = f"quoted, {{cite}}`{r.source}`" if r.source else r.status
        users = ", ".join(claims.find(c).label for c in r.used_by)
        lines.append(f"- **{r.name}** ({how}). {r.says} *Used for:* {users}.")
    return Markdown("\n".join(lines))
