"""Model files: which one to load, and where the ones that came with packages lie."""
