"""A suite started in a shell's background inherits an ignored ctrl+c, and so would every program that it starts."""

import os
import signal

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# How fast this machine decodes is measured where a test is of that, not wherever one lists models.
os.environ["STUDIO_MODEL__MEASURE_SPEED"] = "false"
