"""Experiment 3 (§7.3), text-to-image: pictures, a small Stable Diffusion, and tests for what lies outside."""
