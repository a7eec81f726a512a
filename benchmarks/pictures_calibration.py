"""Calibration of the regions of §7.3 from given embeddings, and the test of as many samples.

Embeddings are drawn at random, in the sizes of the small CLIP and of CLIP ViT-B/32 with the authors' 128 principal
components; time does not depend on what they mean.  Two classes, 80 % to learn from, the rest for the thresholds.
The best time of the repeats counts, since on a shared machine the others contain waiting; the processor's seconds,
over all threads, stand beside it.

    python benchmarks/pictures_calibration.py
    python benchmarks/pictures_calibration.py --pictures 10000 --repeats 1
"""

from __future__ import annotations

import argparse
import time
from typing import NamedTuple

import numpy as np

from hallucination.pictures.class_regions import ClassRegions, Covariance, fit
from hallucination.records import hardware

BAR = 5.0  # seconds for 2,000 embeddings
JUDGED = 2_000
LINE = "{:<40} {:>9} {:>9} {:>9}  {:<6} {}"


class Size(NamedTuple):
    """Embeddings of a length, and how regions are fitted to them."""

    name: str
    length: int
    dimensions: int
    components: int
    covariance: Covariance


SIZES = (
    Size("small CLIP", 64, 32, 1, "diag"),
    Size("CLIP ViT-B/32", 512, 128, 1, "diag"),
    Size("CLIP ViT-B/32", 512, 128, 5, "full"),
)


def timed(size: Size, pictures: int, repeats: int) -> tuple[float, float, float]:
    """Seconds of a calibration, the processor's seconds in it, and seconds of testing as many embeddings."""
    rng = np.random.default_rng(0)
    labels = np.arange(pictures) % 2
    # As real embeddings: one direction in common, spread that falls off, classes apart in the first few directions.
    data = rng.normal(size=(pictures, size.length)) * np.linspace(1, 0.1, size.length)
    data[:, 0] += 5
    data[:, 1:6] += labels[:, None]
    data = data.astype(np.float32)
    cut, found = 4 * pictures // 5, []
    for _ in range(repeats):
        clock, work = time.perf_counter(), time.process_time()
        regions: ClassRegions = fit(
            data[:cut], labels[:cut], data[cut:], labels[cut:], ("cat", "dog"), dimensions=size.dimensions,
            components=size.components, covariance=size.covariance,
        )  # fmt: skip
        middle, work = time.perf_counter(), time.process_time() - work
        regions.outside(data)
        found.append((middle - clock, work, time.perf_counter() - middle))
    fits, works, tests = zip(*found, strict=True)
    return min(fits), min(works), min(tests)


def main() -> None:
    """Measure all sizes and print one table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", type=int, default=JUDGED, help="embeddings of both classes together")
    parser.add_argument("--repeats", type=int, default=5, help="times each size is measured")
    o = parser.parse_args()
    if o.pictures < 1000 or o.repeats < 1:
        parser.error("need --pictures >= 1000 and --repeats >= 1")
    print(f"{o.pictures} embeddings, {hardware()['processor']}")
    print(LINE.format("seconds", "calibrate", "processor", "test", "bar", "").rstrip())
    for size in SIZES:
        calibrated, work, tested = timed(size, o.pictures, o.repeats)
        name = f"{size.name}, {size.dimensions} of {size.length}, {size.components} {size.covariance}"
        met = ("met" if calibrated <= BAR else "MISSED") if o.pictures == JUDGED else ""
        print(
            LINE.format(name, f"{calibrated:.3f}", f"{work:.3f}", f"{tested:.3f}", f"<= {BAR:g}", met).rstrip(),
            flush=True,
        )


if __name__ == "__main__":
    main()
