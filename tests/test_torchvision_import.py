"""The libraries of the experiments import in the environment that `make book` makes."""

from __future__ import annotations

import subprocess
import sys

CODE = """
import warnings
warnings.simplefilter("ignore")  # other people's import-time warnings are not what is tested
from hallucination.torchvision_import import let_torchvision_import
first, second = let_torchvision_import(), let_torchvision_import()
assert not second, "the second call must do nothing"
import torch, torchvision, open_clip
from diffusers import StableDiffusionPipeline
from transformers import CLIPModel, LlamaForCausalLM
boxes, scores = torch.zeros(1, 4), torch.zeros(1)
try:
    torchvision.ops.nms(boxes, scores, 0.5)
    healthy = True
except (RuntimeError, NotImplementedError):
    healthy = False
assert first != healthy, "declarations are made exactly where the compiled part is missing"
print("all imported")
"""


def test_libraries_of_the_experiments_import() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=False)
    assert done.stdout.strip().endswith("all imported"), done.stderr
