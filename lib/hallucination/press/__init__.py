"""The press: runs chapters with papermill and binds the book; the Snakefile says what depends on what."""
