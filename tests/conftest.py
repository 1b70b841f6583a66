"""A suite started in a shell's background inherits an ignored ctrl+c, and so would every program that it starts."""

import signal

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
