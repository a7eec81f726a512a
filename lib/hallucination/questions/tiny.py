"""A language model with random weights and one token per byte: everything the experiment does, in milliseconds."""

from __future__ import annotations

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from hallucination.questions.models import Loaded, moved
from hallucination.questions.toolbox import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

END = "<|im_end|>"
START = "<|im_start|>"
# The same frame as the real models use: who speaks, a line break, the text, an end mark.
TEMPLATE = (
    "{% for message in messages %}" + START + "{{ message['role'] + '\n' + message['content'] }}" + END + "\n"
    "{% endfor %}{% if add_generation_prompt %}" + START + "assistant\n{% endif %}"
)


def tokenizer() -> PreTrainedTokenizerFast:
    """One token per byte and the two marks of the chat frame."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: i for i, token in enumerate([END, START, *alphabet])}
    made = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    made.decoder = decoders.ByteLevel()
    made.add_special_tokens([END, START])
    return PreTrainedTokenizerFast(tokenizer_object=made, eos_token=END, pad_token=END, chat_template=TEMPLATE)


def tiny(dtype: torch.dtype = torch.float32, device: str = "cpu", seed: int = 0) -> Loaded:
    """Two layers of width 64 with weights drawn from `seed`, without touching global state."""
    words = tokenizer()
    config = LlamaConfig(
        vocab_size=len(words),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=1024,
        bos_token_id=None,
        eos_token_id=words.eos_token_id,
        pad_token_id=None,  # a filler's embedding is zero; ours is the end mark, which must be learnable
        tie_word_embeddings=True,
        initializer_range=0.2,  # wide enough that different prompts get different answers
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = LlamaForCausalLM(config)
    source = {"name": "tiny", "id": "random weights, two layers", "revision": f"seed {seed}"}
    facts = {**source, "dtype": str(dtype).removeprefix("torch."), "device": device}
    torch.nn.Module.to(model, dtype)
    return Loaded(moved(model, device), words, facts)
