"""The command line: everything the studio does, scriptable, in plain text.

Exit codes: 0 ok, 1 failed, 2 usage, 3 environment, 130 interrupted, 128 + N ended by signal N.
"""

import os
import sys


def main() -> None:
    """Run the command line and leave with the exit code of the contract."""
    os.umask(0o077)  # what people write here is theirs alone, in every file that we or our children make of it
    try:
        from studio.cli.root import INTERRUPTED, run
    except KeyboardInterrupt:  # Ctrl+C before there was anything to interrupt
        sys.exit(130)
    try:
        code = run(sys.argv[1:])
    except KeyboardInterrupt:
        code = INTERRUPTED
    sys.exit(code)
