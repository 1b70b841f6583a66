"""The command line: everything the studio does, scriptable, in plain text.

Exit codes: 0 ok, 1 failed, 2 usage, 3 environment, 130 interrupted.
"""

from studio.cli.main import main

__all__ = ["main"]
