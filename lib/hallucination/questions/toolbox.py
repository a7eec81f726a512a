"""What we use of transformers and peft, imported in one place and in the right order.

Where torchvision is installed beside a CPU build of torch, these imports fail
unless :func:`hallucination.torchvision_import.let_torchvision_import` ran
before them.  Everything here imports them from this module.
"""

from hallucination.torchvision_import import let_torchvision_import

let_torchvision_import()

from peft import LoraConfig, PeftModel, get_peft_model  # noqa: E402
from transformers import (  # noqa: E402
    AutoConfig,
    AutoModelForCausalLM,
    AutoTokenizer,
    DynamicCache,
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
from transformers.utils import logging  # noqa: E402

__all__ = [
    "AutoConfig",
    "AutoModelForCausalLM",
    "AutoTokenizer",
    "DynamicCache",
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
