"""Runs a command under strace and tells every byte that it wrote or sent, to where, and when dumps went off."""

import os
import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

_OUT = (  # every system call that takes bytes out of a process; numbers and maps of files by other names
    "write,pwrite64,writev,pwritev,pwritev2,sendto,sendmsg,sendmmsg,sendfile,copy_file_range,splice,tee,vmsplice,"
    "process_vm_writev,io_uring_setup,io_submit"
)
_CALL = re.compile(r"^(\w+)\((.*)\) += (-?\d+|0x[0-9a-f]+|\?)")


@dataclass
class Trace:
    """What all processes and threads of one command did."""

    status: int = -1
    printed: str = ""
    written: Counter[str] = field(default_factory=Counter)
    """Bytes by where they went: a path, `pipe`, `TCP`, `UNIX-STREAM`, ..."""
    shared: list[str] = field(default_factory=list)
    """Files mapped so that storing into memory writes them."""
    connected: set[str] = field(default_factory=set)
    """Addresses."""
    odd: list[str] = field(default_factory=list)
    """Calls that hand over memory in ways that cannot be counted."""
    open_before_dumps_off: list[str] = field(default_factory=list)
    """Paths that a process opened before it gave up memory images of itself."""
    dumps_off: int = 0
    """Processes that gave them up."""
    programs: set[str] = field(default_factory=set)
    """Other programs that were started, by name; what these did is not counted."""


def works() -> bool:
    """Whether this machine lets us trace."""
    try:
        return subprocess.run(["strace", "-f", "--seccomp-bpf", "true"], capture_output=True).returncode == 0
    except OSError:
        return False


def trace(folder: Path, *arguments: str, timeout: float = 120) -> Trace:
    """`farview ARGUMENTS` from start to end. `folder` is for the traces, one a thread."""
    with tracing(folder, *arguments, timeout=timeout) as (_, found):
        pass
    return found


@contextmanager
def tracing(
    folder: Path, *arguments: str, timeout: float = 120
) -> Iterator[tuple[subprocess.Popen[str], Trace]]:
    """strace over `farview ARGUMENTS` while it runs, and the trace, which is there once it has ended by itself."""
    folder.mkdir()
    command = ["strace", "-ff", "--seccomp-bpf", "-qq", "-yy", "-s", "256", "-e", "signal=none"]
    command += ["-e", f"trace={_OUT},openat,open,creat,mmap,connect,prctl,execve", "-o", str(folder / "t")]
    command += [sys.executable, "-m", "farview", *arguments]
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
    )
    found = Trace()
    try:
        yield process, found
        found.printed, _ = process.communicate(timeout=timeout)
        found.status = process.returncode
    finally:
        tell(process, signal.SIGKILL)
        process.wait()
    for file in sorted(folder.iterdir()):
        _read(file.read_text(errors="replace"), found)


def tell(process: subprocess.Popen[str], number: signal.Signals) -> None:
    """Send what strace runs a signal: strace itself would only let go of it."""
    if process.poll() is None:
        for child in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split():
            os.kill(int(child), number)


def _read(text: str, found: Trace) -> None:
    dumps_off = False
    for line in text.splitlines():
        call = _CALL.match(line)
        if call is None:
            continue
        name, arguments, result = call.groups()
        if name == "execve":
            program = Path(arguments.split('"')[1])
            if result == "0" and program != Path(sys.executable):
                found.programs.add(program.name)
                break
        elif name == "prctl":
            dumps_off |= "PR_SET_DUMPABLE, SUID_DUMP_DISABLE" in arguments and result == "0"
        elif name == "connect":
            found.connected.add(arguments)
        elif name == "mmap":
            if "MAP_SHARED" in arguments and "PROT_WRITE" in arguments and "</" in arguments:
                found.shared.append(arguments)
        elif name in ("openat", "open", "creat"):
            if not dumps_off:
                found.open_before_dumps_off.append(arguments)
        elif name in _OUT.split(","):
            place = re.match(r"\d+<([^>\[:(]*)", arguments)
            if place is None:
                found.odd.append(line)
            elif int(result) > 0:
                found.written[place[1]] += int(result)
    found.dumps_off += dumps_off
