"""Experiment 2 (§7.2): the open questions as files that LLaMA-Factory, the paper's tool for fine-tuning, reads."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hallucination.questions.datasets import VOICES, OpenQuestion
from hallucination.records import write_json


def _pairs(questions: Sequence[OpenQuestion]) -> list[tuple[str, str]]:
    """Question and answer, two rows per question."""
    return [(asked.question, asked.answer(voice)) for asked in questions for voice in VOICES]


def export_alpaca(questions: Sequence[OpenQuestion], path: Path) -> None:
    """Write two rows per question with the fields instruction, input (empty) and output; atomically."""
    write_json(path, [{"instruction": q, "input": "", "output": a} for q, a in _pairs(questions)])


def export_chat(questions: Sequence[OpenQuestion], path: Path) -> None:
    """Write two conversations per question, each of one human and one gpt turn; atomically."""
    turns = [[{"from": "human", "value": q}, {"from": "gpt", "value": a}] for q, a in _pairs(questions)]
    write_json(path, [{"conversations": pair} for pair in turns])


def dataset_info(alpaca: str, chat: str) -> dict[str, Any]:
    """Entries of LLaMA-Factory's ``dataset_info.json`` for the two files, named after the files.

    Parameters
    ----------
    alpaca, chat : str
        Names of the files, relative to the folder that holds ``dataset_info.json``.
    """
    return {
        Path(alpaca).stem: {
            "file_name": alpaca,
            "formatting": "alpaca",
            "columns": {"prompt": "instruction", "query": "input", "response": "output"},
        },
        Path(chat).stem: {
            "file_name": chat,
            "formatting": "sharegpt",
            "columns": {"messages": "conversations"},
            "tags": {"role_tag": "from", "content_tag": "value", "user_tag": "human", "assistant_tag": "gpt"},
        },
    }


def export(questions: Sequence[OpenQuestion], folder: Path) -> None:
    """Write both forms and their ``dataset_info.json`` into `folder`, ready to be a ``dataset_dir``."""
    alpaca, chat = "open_questions_alpaca.json", "open_questions_chat.json"
    export_alpaca(questions, folder / alpaca)
    export_chat(questions, folder / chat)
    write_json(folder / "dataset_info.json", dataset_info(alpaca, chat))
