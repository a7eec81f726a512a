"""The mean's advantage in the published test of §7.3, derived in SymPy for every dimension and covariance.

The class's law is N(μ, Σ) with density f, and q(v) = (v − μ)ᵀ Σ⁻¹ (v − μ).  See
:mod:`hallucination.pictures.mean_rule` for numbers.
"""

from __future__ import annotations

from functools import cache

import sympy as sp
from sympy.stats import Expectation
from sympy.stats.rv import RandomMatrixSymbol


def spread_lost(same_centre: bool = True) -> sp.MatrixExpr:
    """E q(A) − q(E A) − E[(A − E A)ᵀ P (A − E A)] for q(v) = (v − μ)ᵀ P (v − μ): the zero matrix.

    Holds for every law of A with a second moment, every dimension and every matrix P, so with A drawn from any list
    of embeddings too: the log-density at their mean exceeds their mean log-density by half the third term, which is
    half the trace of P Cov(A).  For the class itself P Cov(A) is the identity, and the trace is D.

    Parameters
    ----------
    same_centre : bool
        False measures q at the mean from the origin instead of μ: a wrong statement, which must leave something over.
    """
    D = sp.Symbol("D", integer=True, positive=True)
    A, P = RandomMatrixSymbol("A", D, 1), sp.MatrixSymbol("P", D, D)
    M, centre = sp.MatrixSymbol("M", D, 1), sp.MatrixSymbol("mu", D, 1)

    def mean_of(form: sp.MatrixExpr) -> sp.MatrixExpr:
        return Expectation(form).expand().subs({Expectation(A): M, Expectation(A.T): M.T})

    around = centre if same_centre else sp.ZeroMatrix(D, 1)
    samples = mean_of(((A - centre).T * P * (A - centre)).expand())
    lost = mean_of(((A - M).T * P * (A - M)).expand())
    return (samples - (M - around).T * P * (M - around) - lost).expand().doit()


@cache
def derivation() -> dict[str, sp.Eq]:
    """Every step as a SymPy equation, for general D, K and covariance; what is on the right is computed.

    Returns
    -------
    dict
        ``constant``, c; ``whitened``, q of μ + L z for Σ = L Lᵀ; ``sample``, ``centre`` and ``mean``, the expected
        log f of a sample, at the centre and of a mean of K samples; ``advantage``, the difference of the last and the
        first; ``law``, E exp((1 − u) K q(mean) / 2) for u > 0, which fixes the law of K q(mean); ``mixture``, the
        same of a χ² whose degrees of freedom are D plus twice a Poisson number of mean K λ/2; ``threshold``, what
        defines τ; ``firing``, the probability that the published rule fires.
    """
    D, K = sp.symbols("D K", integer=True, positive=True)
    i, j = sp.symbols("i j", integer=True, nonnegative=True)
    x, m = sp.symbols("x m", real=True)
    u, lam, tau, alpha, det = sp.symbols("u lambda tau alpha |Sigma|", positive=True)
    c, log_f = sp.Symbol("c", real=True), r"\log f"
    L, z = sp.MatrixSymbol("L", D, D), sp.MatrixSymbol("z", D, 1)

    density = sp.sqrt(K / (2 * sp.pi)) * sp.exp(-K * (x - m) ** 2 / 2)  # a coordinate of the mean, whitened
    second = sp.integrate(x**2 * density.subs(m, 0), (x, -sp.oo, sp.oo))
    of_mean = c - sp.Sum(second, (i, 1, D)).doit() / 2
    sample = of_mean.subs(K, 1)
    # Around m/u the exponent of exp((1 − u) K x²/2) times that density has no linear term left.
    square = sp.expand(((1 - u) * K * x**2 / 2 - K * (x - m) ** 2 / 2).subs(x, x + m / u))
    one = sp.sqrt(K / (2 * sp.pi)) * sp.integrate(sp.exp(sp.factor(square.coeff(x, 2)) * x**2), (x, -sp.oo, sp.oo))
    rest = sp.factor(square - square.coeff(x, 2) * x**2)
    # The product over the coordinates: the squares of their means m add up to λ.
    law = sp.exp(rest.subs(m, sp.sqrt(lam))) * one**D
    number = sp.exp(-K * lam / 2) * (K * lam / 2) ** j / sp.factorial(j)
    mixture = sp.summation(number * u ** (-D / 2 - j), (j, 0, sp.oo))
    tail = sp.uppergamma(D / 2 + j, K * tau / 2) / sp.gamma(D / 2 + j)
    return {
        "constant": sp.Eq(c, -D * sp.log(2 * sp.pi) / 2 - sp.log(det) / 2),
        "whitened": sp.Eq(sp.MatrixSymbol("q", 1, 1), ((L * z).T * sp.Inverse(L * L.T) * (L * z)).doit()),
        "sample": sp.Eq(sp.Symbol(rf"\mathbb{{E}}{log_f}(X)"), sample),
        "centre": sp.Eq(sp.Symbol(rf"{log_f}(\mathbb{{E}}X)"), sp.limit(of_mean, K, sp.oo)),
        "mean": sp.Eq(sp.Symbol(rf"\mathbb{{E}}{log_f}(\bar X_K)"), of_mean),
        "advantage": sp.Eq(
            sp.Symbol(rf"\mathbb{{E}}{log_f}(\bar X_K) - \mathbb{{E}}{log_f}(X)"), sp.factor(of_mean - sample)
        ),
        "law": sp.Eq(sp.Symbol(r"\mathbb{E}e^{(1-u)Kq(\bar X_K)/2}"), law),
        "mixture": sp.Eq(sp.Symbol(r"\mathbb{E}u^{-D/2-J}"), mixture),
        "threshold": sp.Eq(sp.uppergamma(D / 2, tau / 2) / sp.gamma(D / 2), alpha),
        "firing": sp.Eq(sp.Symbol(r"P(q(\bar X_K) > \tau)"), sp.Sum(number * tail, (j, 0, sp.oo))),
    }
