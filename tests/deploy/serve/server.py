"""`farview serve` as a process of its own."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO


@dataclass
class Server:
    """A running server."""

    process: subprocess.Popen[str]
    address: str
    """With a slash at the end and, where the server printed one, `#token=...`."""
    said: list[str]
    """The lines that it printed when it started."""

    @property
    def bare(self) -> str:
        """The address alone, without the slash."""
        return self.address.partition("#")[0].rstrip("/")

    def resident(self) -> int:
        """Memory of the process itself, in bytes."""
        text = Path(f"/proc/{self.process.pid}/statm").read_text()
        return int(text.split()[1]) * os.sysconf("SC_PAGE_SIZE")


@contextmanager
def serving(
    model: Path | str,
    *options: str,
    environment: Mapping[str, str] | None = None,
    errors: IO[str] | None = None,
) -> Iterator[Server]:
    """The verb, on a free port; `environment` is added to its own, `errors` takes what it writes to stderr."""
    command = [sys.executable, "-m", "farview", "serve", str(model), "--port", "0", *options]
    environment = os.environ | {"OMP_NUM_THREADS": "1"} | (environment or {})
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True, env=environment)
    try:
        assert process.stdout is not None
        said = []
        for line in process.stdout:
            said.append(line.strip())
            if "Ctrl-C" in line:
                break
        address = re.match(r"https?://\S+", said[0])
        assert address is not None, said
        yield Server(process, address[0], said)
    finally:
        process.kill()
        process.wait()
