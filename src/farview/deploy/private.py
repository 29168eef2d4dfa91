"""What keeps this process's memory, where full pictures pass through, out of files."""

import contextlib
import ctypes
import faulthandler
import sys

_PR_SET_DUMPABLE = 4  # linux/prctl.h


def no_dumps() -> None:
    """No memory image of this process when it crashes, nor for other programs of the same user to read.

    A limit of 0 keeps the kernel from writing core files; on Linux the process is also made undumpable, since
    crash collectors (systemd-coredump, apport) are handed the memory whatever the limit is. In place of a dump a
    crash prints where the program was, without any values.
    """
    if sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    with contextlib.suppress(AttributeError, OSError, ValueError):  # no standard error, or not a file
        faulthandler.enable()
