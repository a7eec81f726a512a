"""Let torchvision import beside a CPU build of torch.

The package index carries torchvision for CUDA only.  Beside a CPU build of
torch its compiled part does not load, and its import then stops at two
operators that nobody declared.  Merely being installed (open_clip and timm
require it), it so breaks the import of transformers and diffusers too.
Declaring the two schemas is enough; calling such an operator still raises
torchvision's own error.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

OPERATORS = ("nms", "qnms")
_declared: Any = None  # the library object undoes its declarations when it is collected


def let_torchvision_import() -> bool:
    """Declare what torchvision's import misses; call this before importing transformers, diffusers or open_clip.

    Returns
    -------
    bool
        True if declarations were needed; False where torchvision is absent or healthy, or on a second call.
    """
    global _declared
    import torch

    spec = importlib.util.find_spec("torchvision")
    if _declared is not None or spec is None or spec.origin is None or torch.version.cuda is not None:
        return False
    if any(_loads(library) for library in Path(spec.origin).parent.glob("_C*")):
        return False
    _declared = torch.library.Library("torchvision", "FRAGMENT")
    for name in OPERATORS:
        _declared.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    return True


def _loads(library: Path) -> bool:
    import torch

    try:
        torch.ops.load_library(str(library))
    except OSError:
        return False
    return True
