"""Monte Carlo estimates of the hallucination probability for any laws, in any dimension (Definition 6.3)."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from hallucination.states import Array, Discrete, Gaussian, Scalar, State, UniformBall, simplex, vector

Sampler = Callable[[np.random.Generator, int], ArrayLike]
BATCH = 1 << 18  # draws per stream of random numbers, so that results do not depend on threads
CACHE = 1 << 20  # bytes of one block of draws that stay in a core's cache


class Estimate(NamedTuple):
    """A probability, its error, and how both were found.

    The error is a standard error of Monte Carlo, the change under halving the step of a quadrature, or 0 (exact).
    """

    value: float
    error: float
    method: str


def monte_carlo(
    weights: ArrayLike,
    laws: Sequence[State | Sampler],
    radii: ArrayLike,
    draws: int = 1_000_000,
    seed: int | np.random.SeedSequence = 0,
    memory: int = 1 << 28,
    threads: int | None = None,
    device: str | None = None,
    reuse: int = 1,
) -> Estimate:
    """Estimate P_H = Pr[|μ_i − A*| > r_i for all i] for independent μ_i.

    Parameters
    ----------
    weights : array_like, shape (N,)
        p_i > 0 with sum 1.
    laws : sequence of N State or callables
        States are asked for ``sample(rng, n)``; a callable ``draw(rng, n)`` returns n draws, shape (n, d) or (n,).
    radii : float or array_like, shape (N,)
        r_i ≥ 0.
    draws : int
        Independent draws of (μ_1, …, μ_N).
    seed : int or SeedSequence
        Same seed, same estimate, whatever the threads (as long as `memory` leaves each of them 1 MiB).
    memory : int
        Bytes that the draws of all threads together may occupy at a time.
    threads : int, optional
        Default: as many as there are cores.
    device : str, optional
        A device of torch, such as "cuda": draws are made there (normal, uniform-ball, discrete and the
        SciPy laws norm, laplace, uniform and t only).

    reuse : int
        Ways in which drawn μ_1, …, μ_N are joined anew. Joined draws share at most one state's draw, so that they
        are worth nearly as much as fresh ones where drawing is slow. The standard error accounts for it.

    Returns
    -------
    Estimate
        Share of the draws (times `reuse`) in which no state is hit, and its standard error (by Laplace's rule, so
        never 0; if draws are reused, at least that of independent draws, from independent blocks of draws).

    Raises
    ------
    ValueError
        If the input does not fit, or a law cannot be drawn on the device.
    """
    p, r = simplex(weights, "weights"), np.asarray(radii, dtype=float)
    r = vector(np.full(p.size, r) if r.ndim == 0 else r, "radii")
    if r.shape != p.shape or len(laws) != p.size or (r < 0).any():
        raise ValueError(f"need {p.size} laws and {p.size} radii ≥ 0, got {len(laws)} laws and radii {r}")
    if draws < 1 or memory < 1 << 16:
        raise ValueError(f"draws must be at least 1 and memory at least 65536 bytes, got {draws} and {memory}")
    sequence = seed if isinstance(seed, np.random.SeedSequence) else np.random.SeedSequence(seed)
    if reuse < 1 or (reuse > 1 and (device is not None or draws < 64 * (16 + reuse * p.size))):
        raise ValueError(f"reuse must be at least 1, and 1 on a device or for few draws, got {reuse}")
    if device is not None:
        return _estimate(_on_device(p, laws, r, draws, sequence, memory, device), draws, "")
    counts, sizes = _on_cores(p, [_sampler(law) for law in laws], r, draws, sequence, memory, threads, reuse)
    plain = _estimate(int(counts.sum()), draws * reuse, f" from {draws} per state" if reuse > 1 else "")
    if reuse == 1:
        return plain
    blocks = math.sqrt(((counts - plain.value * sizes) ** 2).sum()) / sizes.sum()
    return plain._replace(error=max(plain.error, blocks * math.sqrt(len(sizes) / (len(sizes) - 1))))


def _estimate(free: int, draws: int, note: str) -> Estimate:
    share = (free + 1) / (draws + 2)
    return Estimate(free / draws, math.sqrt(share * (1 - share) / draws), f"Monte Carlo, {draws} draws{note}")


def _sampler(law: State | Sampler) -> Sampler:
    draw = getattr(law, "sample", law)
    if not callable(draw):
        raise ValueError(f"a law must be a State or a callable draw(rng, n), got {law!r}")
    return draw


def _drawn(sampler: Sampler, rng: np.random.Generator, n: int) -> Array:
    """Draws of one state, shape (d, n): coordinates first, so that each is contiguous if d = 1."""
    x = np.asarray(sampler(rng, n), dtype=float)
    if x.shape[:1] != (n,) or x.ndim > 2:
        raise ValueError(f"a sampler must return shape ({n}, d) or ({n},), got {x.shape}")
    return x.reshape(n, -1).T


def _on_cores(
    p: Array,
    samplers: list[Sampler],
    r: Array,
    draws: int,
    seed: np.random.SeedSequence,
    memory: int,
    threads: int | None,
    reuse: int,
) -> tuple[Array, Array]:
    """Count, per block of draws, those in which no state is hit; return counts and sizes of the blocks.

    Batches with random streams of their own run in threads, since NumPy's generators hold no lock.
    """
    workers = threads or (len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
    row = 8 * (len(_drawn(samplers[0], np.random.default_rng(0), 1)) * (2 * p.size + 3) + 4)
    least = 16 + reuse * p.size
    if memory < row * workers * least:
        raise ValueError(f"memory must be at least {row * workers * least} bytes for {workers} threads, got {memory}")
    block = min(max(least, 256, CACHE // row), memory // (row * workers))
    block = block if reuse == 1 else min(block, max(least, draws // 64))
    blocks = [min(block, draws - start) for start in range(0, draws, block)]
    share = max(1, BATCH // block)
    jobs = [blocks[i : i + share] for i in range(0, len(blocks), share)]

    def batch(job: tuple[list[int], np.random.SeedSequence]) -> list[int]:
        rng = np.random.Generator(np.random.SFC64(job[1]))
        return [_block(p, samplers, r, n, rng, reuse) for n in job[0]]

    work = zip(jobs, seed.spawn(len(jobs)), strict=True)
    if workers == 1:
        found = list(map(batch, work))
    else:
        with ThreadPoolExecutor(workers) as pool:
            found = list(pool.map(batch, work))
    return np.array([c for counts in found for c in counts], dtype=float), np.array(blocks, dtype=float) * reuse


def _block(p: Array, samplers: list[Sampler], r: Array, n: int, rng: np.random.Generator, reuse: int) -> int:
    """Count draws without a hit among n · reuse, all in cache.

    Pairing k joins draw j + k i of state i, so that two joined draws share the draw of at most one state.
    """
    x = [_drawn(sampler, rng, n) for sampler in samplers]
    if len({a.shape for a in x}) != 1:
        raise ValueError(f"all laws must have one dimension, got draws of shapes {[a.shape for a in x]}")
    if reuse > 1:
        x = [np.concatenate([a, *[a] * -(-(reuse - 1) * i // n)], axis=1) for i, a in enumerate(x)]
    return sum(_free([a[:, k * i : k * i + n] for i, a in enumerate(x)], p, r) for k in range(reuse))


def _free(x: list[Array], p: Array, r: Array) -> int:
    """Count the columns in which no state is hit."""
    mean, gap = p[0] * x[0], np.empty(x[0].shape)
    for weight, a in zip(p[1:], x[1:], strict=True):
        mean += np.multiply(a, weight, out=gap)
    free = np.ones(mean.shape[1], dtype=bool)
    for a, radius in zip(x, r, strict=True):
        np.subtract(a, mean, out=gap)
        np.multiply(gap, gap, out=gap)
        free &= (gap[0] if len(gap) == 1 else gap.sum(axis=0)) > radius**2
    return int(np.count_nonzero(free))


def _on_device(
    p: Array,
    laws: Sequence[State | Sampler],
    r: Array,
    draws: int,
    seed: np.random.SeedSequence,
    memory: int,
    device: str,
) -> int:
    """Count on a device of torch, imported by name so that the theory's modules do not depend on it."""
    torch: Any = import_module("torch")
    where = torch.device(device)
    generator = torch.Generator(where).manual_seed(int(seed.generate_state(1, np.uint64)[0] >> 1))
    samplers = [_torch_sampler(torch, law, where, generator) for law in laws]
    dimension = int(samplers[0](1).shape[1])
    block = max(1, memory // (8 * dimension * (p.size + 4)))
    free = 0
    for start in range(0, draws, block):
        x = torch.stack([sampler(min(block, draws - start)) for sampler in samplers])
        mean = torch.tensordot(torch.as_tensor(p, device=where), x, dims=1)
        squared = ((x - mean) ** 2).sum(dim=-1)
        limits = torch.as_tensor(r**2, device=where)[:, None]
        free += int((squared > limits).all(dim=0).sum())
    return free


def _torch_sampler(torch: Any, law: State | Sampler, where: Any, generator: Any) -> Callable[[int], Any]:
    """Return a function that makes n draws (n, d) of one law on a device, in double precision."""

    def tensor(a: ArrayLike) -> Any:
        return torch.as_tensor(np.asarray(a, dtype=float), device=where)

    def normal(*size: int) -> Any:
        return torch.randn(*size, device=where, dtype=torch.float64, generator=generator)

    def even(*size: int) -> Any:
        return torch.rand(*size, device=where, dtype=torch.float64, generator=generator)

    if isinstance(law, Gaussian):
        mean, d = tensor(law.mean), law.mean.size
        covariance = np.asarray(law.covariance, dtype=float)
        full = covariance if covariance.ndim == 2 else np.diag(np.broadcast_to(covariance, (d,)))
        root = tensor(np.linalg.cholesky(full).T)
        return lambda n: mean + normal(n, d) @ root
    if isinstance(law, UniformBall):
        centre, d, radius = tensor(law.mean), law.mean.size, law.radius

        def ball(n: int) -> Any:
            u = normal(n, d)
            return centre + radius * even(n, 1) ** (1 / d) * u / u.norm(dim=1, keepdim=True)

        return ball
    if isinstance(law, Discrete):
        atoms, levels = tensor(law.answers), tensor(np.cumsum(law.weights)[:-1])
        return lambda n: atoms[torch.searchsorted(levels, even(n), right=True)]
    if isinstance(law, Scalar):
        return _torch_scalar(torch, law.law, normal, even, generator)
    raise ValueError(f"cannot draw {type(law).__name__} on a device: use device=None")


def _torch_scalar(torch: Any, law: Any, normal: Any, even: Any, generator: Any) -> Callable[[int], Any]:
    shapes, loc, scale = law.dist._parse_args(*law.args, **law.kwds)
    match law.dist.name:
        case "norm":
            return lambda n: loc + scale * normal(n, 1)
        case "uniform":
            return lambda n: loc + scale * even(n, 1)
        case "laplace":

            def laplace(n: int) -> Any:
                u = even(n, 1) - 0.5
                return loc - scale * torch.sign(u) * torch.log1p(-2 * u.abs().clamp(max=0.5 - 1e-17))

            return laplace
        case "t":
            # Bailey's polar form needs no gamma variates, which torch draws without a generator.
            df = float(shapes[0])

            def student(n: int) -> Any:
                size, angle = 1 - even(n, 1), even(n, 1)
                return loc + scale * torch.sqrt(df * (size ** (-2 / df) - 1)) * torch.cos(2 * math.pi * angle)

            return student
    raise ValueError(f"cannot draw the SciPy law {law.dist.name} on a device: use device=None")
