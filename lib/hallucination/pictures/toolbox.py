"""What we use of diffusers and transformers, imported in one place, in the right order, and without their remarks.

Where torchvision is installed beside a CPU build of torch, these imports fail
unless :func:`hallucination.torchvision_import.let_torchvision_import` ran
before them.  Everything in this package imports them from this module.
"""

import warnings
from importlib import import_module
from types import ModuleType

from hallucination.torchvision_import import let_torchvision_import

let_torchvision_import()

with warnings.catch_warnings():
    # In a notebook without ipywidgets, tqdm complains that it shows a plain bar.
    warnings.filterwarnings("ignore", message="IProgress not found")
    from transformers.utils import logging

    # Said before diffusers is imported: without torchvision its import names every class that falls back to PIL.
    logging.set_verbosity_error()
    from diffusers import (
        AutoencoderKL,
        DDIMScheduler,
        DDPMScheduler,
        StableDiffusionPipeline,
        UNet2DConditionModel,
    )
    from diffusers.models.embeddings import Timesteps
    from diffusers.optimization import get_cosine_schedule_with_warmup
    from diffusers.training_utils import EMAModel
    from diffusers.utils import logging as diffusers_logging
    from transformers import (
        CLIPConfig,
        CLIPImageProcessorPil,
        CLIPModel,
        CLIPTextConfig,
        CLIPTextModel,
        CLIPTokenizer,
        CLIPVisionConfig,
    )

diffusers_logging.set_verbosity_error()

__all__ = [
    "AutoencoderKL",
    "CLIPConfig",
    "CLIPImageProcessorPil",
    "CLIPModel",
    "CLIPTextConfig",
    "CLIPTextModel",
    "CLIPTokenizer",
    "CLIPVisionConfig",
    "DDIMScheduler",
    "DDPMScheduler",
    "EMAModel",
    "StableDiffusionPipeline",
    "Timesteps",
    "UNet2DConditionModel",
    "diffusers_logging",
    "get_cosine_schedule_with_warmup",
    "logging",
    "open_clip",
]


def open_clip() -> ModuleType:
    """Return open_clip, an optional package that takes long to import; ModuleNotFoundError if it is not installed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its own dependencies, about names they will rename
        return import_module("open_clip")
