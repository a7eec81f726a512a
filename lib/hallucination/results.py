"""Headline results: the few numbers of a chapter that a re-run is compared by."""

from __future__ import annotations

from IPython.display import display

KEY = "hallucination_results"  # in the metadata of a cell's output


def headline(**values: float | int | str | bool) -> None:
    """Show a chapter's headline results and leave them in the notebook for the press.

    Parameters
    ----------
    **values
        Name and value of each result; floats are shown with four significant digits.

    Raises
    ------
    TypeError
        If a value is not a plain number, string or boolean (convert NumPy scalars first).
    """
    for name, value in values.items():
        if type(value) not in (float, int, str, bool):
            raise TypeError(f"headline result {name!r} must be float, int, str or bool, got {type(value).__name__}")
    rows = "".join(f'<tr><th scope="row">{n}</th><td>{text(v)}</td></tr>' for n, v in values.items())
    table = f'<table class="headline"><caption>Headline results of this run</caption>{rows}</table>'
    words = ", ".join(f"{n} = {text(v)}" for n, v in values.items())
    display({"text/html": table, "text/plain": words}, metadata={KEY: values}, raw=True)


def text(value: object) -> str:
    """A value as the pages print it: floats with four significant digits."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)
