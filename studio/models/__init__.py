"""Model files: those on this disk, what they are called, the catalogue and the hub others are pulled from, and which
of them fit into the machine's memory.
"""
