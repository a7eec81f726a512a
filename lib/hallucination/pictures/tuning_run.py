"""A fine-tuning under way: the loop over steps, and how it goes on after a stop (§7.3).

All chance of a step comes from a generator that only the seed and the step's number enter.  So a run that was stopped
goes on exactly where it was, and several processes do the same steps as one.
"""

from __future__ import annotations

import copy
import os
from pathlib import Path

import torch
from accelerate import Accelerator
from torch import Tensor
from tqdm import tqdm

from hallucination.pictures import checkpoints
from hallucination.pictures.denoising import Draws, draws, noise_loss
from hallucination.pictures.encode import latents, text_embeddings
from hallucination.pictures.lessons import Lesson, Recipe
from hallucination.pictures.models import Loaded
from hallucination.pictures.toolbox import DDIMScheduler, EMAModel, UNet2DConditionModel

LARGEST_GRADIENT = 1.0  # Euclidean norm, as in diffusers' own example


class Run:
    """One fine-tuning under way."""

    def __init__(self, loaded: Loaded, lesson: Lesson, recipe: Recipe, folder: Path) -> None:
        self.lesson, self.recipe, self.folder = lesson, recipe, folder
        own, several = loaded.pipeline, int(os.environ.get("WORLD_SIZE", "1")) > 1
        self.accelerator = Accelerator(
            cpu=several and own.device.type == "cpu", mixed_precision="no", device_placement=False
        )
        self.device = self.accelerator.device if several else own.device
        self.scheduler = DDIMScheduler.from_config(own.scheduler.config)
        # A copy: who gave us the model may go on sampling from it.
        self.unet = copy.deepcopy(own.unet).to(self.device, torch.float32).train().requires_grad_(True)
        optimizer = torch.optim.AdamW(self.unet.parameters(), lr=recipe.learning_rate)
        self.average = EMAModel(self.unet.parameters(), decay=recipe.ema) if recipe.ema else None
        self.begun = self._resume(optimizer)
        self.model, self.optimizer = self.accelerator.prepare(self.unet, optimizer)
        edge = int(own.unet.config.sample_size)
        self.shape = (int(own.unet.config.in_channels), edge, edge)
        self.prepare(loaded)

    def prepare(self, loaded: Loaded) -> None:
        """Compute what every step uses."""
        self.latents = latents(loaded, self.lesson.pictures, self.lesson.indices)
        self.texts = text_embeddings(loaded, self.lesson.chosen)
        self.table = self.texts.table.to(self.device, torch.float32)

    def go(self, label: str) -> None:
        """Do all steps that are left."""
        n, recipe, main = len(self.lesson.indices), self.recipe, self.accelerator.is_main_process
        each = recipe.steps_per_epoch(n)
        losses = checkpoints.losses_at(self.folder, self.begun) if self.begun else []
        with tqdm(
            total=recipe.epochs * each, initial=self.begun * each, desc=label, unit="step", leave=False,
            disable=not (label and main),
        ) as bar:  # fmt: skip
            for epoch in range(self.begun, recipe.epochs):
                found = []
                for k, rows in enumerate(recipe.order(n, epoch)):
                    found.append(self.step(epoch * each + k, torch.from_numpy(rows)))
                    bar.update()
                losses += self.accelerator.reduce(torch.stack(found), "mean").tolist()
                if epoch + 1 in recipe.kept() and main:
                    self._save(epoch + 1, losses)
        self.accelerator.wait_for_everyone()

    def batch(self, rows: Tensor, drawn: Draws) -> tuple[Tensor, Tensor]:
        """Latents and text embeddings of some pictures, with the chance of just these pictures."""
        places = torch.where(drawn.dropped, 0, self.texts.rows[rows])  # 0 is the empty caption
        return self.latents.draw(rows, drawn.posterior).to(self.device), self.table[places.to(self.device)]

    def step(self, number: int, rows: Tensor) -> Tensor:
        """One step on this process's share of a batch; returns the loss before it."""
        levels = len(self.scheduler.alphas_cumprod)
        share = slice(self.accelerator.process_index, None, self.accelerator.num_processes)
        drawn = draws(self.recipe, number, (len(rows), *self.shape), levels).of(share)
        clean, words = self.batch(rows[share], drawn)
        noise, times = drawn.noise.to(self.device), drawn.times.to(self.device)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.recipe.precision == "bfloat16"):
            loss = noise_loss(self.model, self.scheduler, clean, noise, times, words)
        self.accelerator.backward(loss)
        self.accelerator.clip_grad_norm_(self.unet.parameters(), LARGEST_GRADIENT)
        self.optimizer.step()
        self.optimizer.zero_grad()
        if self.average is not None:
            self.average.step(self.unet.parameters())
        return loss.detach()

    def _save(self, epoch: int, losses: list[float]) -> None:
        resume = checkpoints.flat(self.optimizer)
        if self.average is not None:
            resume |= {f"unet.{name}": tensor.clone() for name, tensor in self.unet.state_dict().items()}
            self.average.store(self.unet.parameters())
            self.average.copy_to(self.unet.parameters())
        checkpoints.save(self.folder, epoch, self.unet, losses, resume)
        if self.average is not None:
            self.average.restore(self.unet.parameters())

    def _resume(self, optimizer: torch.optim.Optimizer) -> int:
        """Take up the newest checkpoint, if there is one; returns the epochs done."""
        found = checkpoints.resumable(self.folder)
        if found is None or any(e not in checkpoints.kept(self.folder) for e in self.recipe.kept() if e < found[0]):
            return 0  # a checkpoint that somebody deleted comes back only from the beginning
        epoch, tensors = found
        kept = UNet2DConditionModel.from_pretrained(
            checkpoints.epoch_folder(self.folder, epoch) / "unet"
        ).state_dict()
        self.unet.load_state_dict(kept)
        if self.average is not None:
            self.average.shadow_params = [p.clone().detach() for p in self.unet.parameters()]
            self.average.optimization_step = epoch * self.recipe.steps_per_epoch(len(self.lesson.indices))
            self.unet.load_state_dict(
                {k.removeprefix("unet."): v for k, v in tensors.items() if k.startswith("unet.")}
            )
        checkpoints.restore(optimizer, tensors)
        return epoch
