"""Library of the living paper of *Are Hallucinations Bad Estimations?* (arXiv 2509.21473).

Symbols follow the paper; the book's notation page lists them once.  Importing
this package imports neither torch nor any plotting library.
"""

__version__ = "0.1.0"
