"""Errata of Appendix B.1: the printed construction for Theorem 5.1."""

from hallucination.errata import erratum

erratum(
    "thm-5.1",
    "number-of-states",
    where="Appendix B.1, first sentence of the construction",
    printed="The number $N$ of latent states is “any positive number”.",
    defect=r"$N$ counts states, so it is a whole number. For $N=1$ the sum that defines $\mu_N$ is empty. The "
    r"mean is then the peak of the only state, and with the printed covariance that peak exceeds $\delta$ if "
    r"$\delta<(2\pi)^{-d_a/4}$.",
    repair=r"Let $N$ be a positive integer, and use $m_N=\delta^{2/d}$. With one normal state the mean "
    r"hallucinates only if no answer at all exceeds $\delta$; for anything better take $N\ge2$.",
    refuted_by=("one-state-as-printed",),
    repaired_by=("one-state-repaired", "one-normal-state-needs-vacuity"),
)
erratum(
    "thm-5.1",
    "argument-of-the-density",
    where="Appendix B.1, display of the density of state $i$",
    printed=r"The exponent of $f_{A(X;Z_i)}(a)$ contains $X-\mu_i$.",
    defect=r"$X$ is the input. It need not have the dimension of $\mu_i$, and with it the right-hand side does "
    r"not depend on $a$, so it is no density. A slip: the next displays have it right.",
    repair=r"Write $a-\mu_i$.",
    refuted_by=("density-with-X",),
    repaired_by=("density-with-a",),
)
erratum(
    "thm-5.1",
    "inverse-covariance",
    where="Appendix B.1, display of $m_i$ and second line of (B.4)",
    printed=r"$m_i$ has $\mathbf 1^\top\Sigma_i\mathbf 1$ under the fraction bar, and (B.4) replaces "
    r"$\mu_i^\top\Sigma_i^{-1}\mu_i$ by $m_i^2\,\mathbf 1^\top\Sigma_i\mathbf 1$.",
    defect=r"The exponent of the normal density holds the inverse, so the two do not cancel unless $\mathbf "
    r"1^\top\Sigma_i\mathbf 1=\mathbf 1^\top\Sigma_i^{-1}\mathbf 1$. For a wide state the printed mean is "
    r"too near to the origin.",
    repair=r"Put $\mathbf 1^\top\Sigma_i^{-1}\mathbf 1$ in both places. All other lines of (B.4) then stand.",
    refuted_by=("exponent-without-inverse", "first-states-as-printed"),
    repaired_by=("exponent-with-inverse", "first-states-repaired", "repaired-first-state"),
)
erratum(
    "thm-5.1",
    "negative-radicand",
    where="Appendix B.1, display of $m_i$",
    printed=r"$m_i$ is the square root of a fraction with numerator $-2\ln\delta-\ln\det\Sigma_i$.",
    defect=r"The numerator is negative as soon as $\det\Sigma_i>\delta^{-2}$, and nothing excludes that.",
    repair=r"Write $\max(0,-2\ln\delta-\ln\det\Sigma_i)$: a state that wide is below $\delta$ everywhere, so any "
    r"mean will do.",
    refuted_by=("root-as-printed",),
    repaired_by=("root-repaired", "repaired-first-state"),
)
erratum(
    "thm-5.1",
    "index-of-the-divisor",
    where="Appendix B.1, (B.5) and the sentence after it",
    printed=r"The mean of the last state is $-\sum_{i\in[N-1]}(p_i/p_n)\,\mu_i$.",
    defect="There is no index $n$. The mean of the target vanishes only if $p_n$ is the weight of the last "
    "state. A slip: the last display uses $p_N$.",
    repair="Write $p_N$.",
    refuted_by=("balance-with-p_n",),
    repaired_by=("balance-with-p_N",),
)
erratum(
    "thm-5.1",
    "exponent-of-m_N",
    where="Appendix B.1, display of $m_N$ and third line of (B.6)",
    printed=r"$m_N=\delta^{-2/d_a}$, $\Sigma_N=I/m_N$, and $\det(\Sigma_N)^{-1/2}=(m_N^{d_a})^{-1/2}$.",
    defect=r"The determinant of $I/m_N$ is $m_N^{-d_a}$, so its power $-\tfrac12$ is $m_N^{d_a/2}=1/\delta$ and "
    r"not $\delta$. The last state becomes a narrow peak. If its mean is near the origin, the best output "
    r"is supported and does not hallucinate.",
    repair=r"Put $m_N=\delta^{2/d_a}$. The conclusion then holds. But the last state is now so wide that not even "
    r"its own answers exceed $\delta$.",
    refuted_by=("determinant-as-printed", "conclusion-as-printed"),
    repaired_by=("determinant-repaired", "conclusion-repaired"),
)
