"""What we use of transformers and peft, imported in one place and in the right order.

Where torchvision is installed beside a CPU build of torch, these imports fail
unless :func:`hallucination.torchvision_import.let_torchvision_import` ran
before them.  Everything here imports them from this module.
"""

import warnings

from hallucination.torchvision_import import let_torchvision_import

let_torchvision_import()

with warnings.catch_warnings():
    # In a notebook without ipywidgets, tqdm complains that it shows a plain bar.
    warnings.filterwarnings("ignore", message="IProgress not found")
    from peft import LoraConfig, PeftModel, get_peft_model
    from transformers import (
        AutoConfig,
        AutoModelForCausalLM,
        AutoTokenizer,
        DynamicCache,
        GenerationConfig,
        LlamaConfig,
        LlamaForCausalLM,
        PreTrainedModel,
        PreTrainedTokenizerBase,
        PreTrainedTokenizerFast,
        PrinterCallback,
        Qwen2Config,
        Trainer,
        TrainerCallback,
        TrainingArguments,
        set_seed,
    )
    from transformers.utils import logging

__all__ = [
    "AutoConfig",
    "AutoModelForCausalLM",
    "AutoTokenizer",
    "DynamicCache",
    "GenerationConfig",
    "LlamaConfig",
    "LlamaForCausalLM",
    "LoraConfig",
    "PeftModel",
    "PreTrainedModel",
    "PreTrainedTokenizerBase",
    "PreTrainedTokenizerFast",
    "PrinterCallback",
    "Qwen2Config",
    "Trainer",
    "TrainerCallback",
    "TrainingArguments",
    "get_peft_model",
    "logging",
    "set_seed",
]
