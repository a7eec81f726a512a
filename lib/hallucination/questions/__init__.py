"""Experiment 2 (§7.2): questions with two true answers, a fine-tuned model, and what its answers resemble."""
