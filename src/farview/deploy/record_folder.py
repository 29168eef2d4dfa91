"""`farview record` of a whole folder: an eLR recording for every recording in it, at the same place."""

import csv
import io
import os
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from farview.console import progress
from farview.data.folder import clips_below
from farview.data.layout import read_csv
from farview.deploy.private import no_dumps
from farview.deploy.record import SUFFIX, record_file
from farview.deploy.record_settings import Settings
from farview.errors import FarviewError, UnreadableClip
from farview.frames.files import atomic_write
from farview.frames.open import source_of
from farview.frames.recording import ElrRecording, is_recording, read_origin
from farview.frames.workers import in_processes

TABLE = "clips.csv"


@dataclass(frozen=True)
class Job:
    """One recording of the folder and where its eLR recording goes."""

    source: Path
    target: Path


def record_folder(root: Path, out: Path, settings: Settings, workers: int, quiet: bool) -> None:
    """Record every video, array and folder of images below `root` into the same place below `out`.

    What is there already from the same file is left alone, so that the same command goes on where it was cut; what
    has changed since is recorded anew. A `clips.csv` is copied with the new names. Raises `FarviewError` where `out`
    cannot be written or holds recordings of another sensor, and at the end where some could not be read, after
    naming them.
    """
    root, out = Path(os.path.abspath(root)), Path(os.path.abspath(out))
    if out == root or root in out.parents or out in root.parents:
        raise FarviewError(
            f"{out}: one of the two folders lies in the other; name another one for what is recorded"
        )
    jobs = jobs_of(root, out)
    if not jobs:
        raise FarviewError(f"{root}: a folder without images, videos and arrays")
    reasons: dict[Path, str] = {}
    with progress("recording", quiet) as update:
        work = partial(attempt, settings=settings)
        each = in_processes(work, jobs, workers) if workers > 1 else ((job, work(job)) for job in jobs)
        for done, (job, reason) in enumerate(each, 1):
            if reason != "":
                reasons[job.source] = reason or "its decoder crashed"
            if update is not None:
                update(done, len(jobs))
    copy_table(root, out, {job.source: job.target for job in jobs if job.source not in reasons})
    for source, reason in sorted(reasons.items()):
        print(f"farview: {source}: {reason}", file=sys.stderr)
    if not quiet:
        size = sum(job.target.stat().st_size for job in jobs if job.source not in reasons)
        print(f"{out}: {len(jobs) - len(reasons)} recordings, {size / 1e6:.1f} MB")
    if reasons:
        raise FarviewError(f"{len(reasons)} of {len(jobs)} recordings could not be read; see above")


def jobs_of(root: Path, out: Path) -> list[Job]:
    """The names below `out` are those below `root` with `.mkv` in place of a file's ending, or behind it where two
    would otherwise be one."""
    sources = sorted(clips_below(root))
    short = {source: source if source.is_dir() else source.with_suffix("") for source in sources}
    names = Counter(str(name).lower() for name in short.values())
    jobs = []
    for source in sources:
        name = short[source] if names[str(short[source]).lower()] == 1 else source
        jobs.append(Job(source, out / name.relative_to(root).with_name(name.name + SUFFIX)))
    return jobs


def attempt(job: Job, settings: Settings) -> str:
    """Record one, unless it is there; the reason where it cannot be read, else empty. Runs in other processes."""
    no_dumps()
    try:
        if not finished(job, settings):
            record_file(source_of(job.source), job.target, settings)
    except UnreadableClip as error:
        return str(error).removeprefix(f"{job.source}: ")
    except FarviewError:
        raise  # nothing can, or may, be written there
    except Exception as error:  # whatever a decoder does with a broken file
        return f"{type(error).__name__}: {error}"
    return ""


def finished(job: Job, settings: Settings) -> bool:
    """Whether the target was made from the source as it is.

    Raises FarviewError where another sensor made it, and `UnreadableClip` where the source cannot give what is asked.
    """
    source, sensor = source_of(job.source), settings.sensor
    if isinstance(source, ElrRecording):
        with source.open() as opened:
            sensor = settings.made_by(opened)
    if not is_recording(job.target):
        return False
    try:
        origin = read_origin(job.target)
    except UnreadableClip:
        return False
    if origin.sensor != sensor:
        raise FarviewError(
            f"{job.target}: is there already, recorded by another sensor ({origin.sensor}); name another folder"
        )
    return origin.fingerprint == settings.stamp(source)


def copy_table(root: Path, out: Path, targets: dict[Path, Path]) -> None:
    """`clips.csv`, if there is one, with the paths of what was recorded; the lines of what was not are left out."""
    if not (root / TABLE).is_file():
        return
    rows: Sequence[tuple[dict[str, str], str]] = read_csv(root / TABLE, ("path",))
    text = io.StringIO()
    table = csv.DictWriter(text, list(rows[0][0]) if rows else ["path"], lineterminator="\n")
    table.writeheader()
    for row, _ in rows:
        target = targets.get(Path(os.path.normpath(root / row["path"])))
        if target is not None:
            table.writerow(row | {"path": target.relative_to(out).as_posix()})
    with atomic_write(out / TABLE) as file:
        file.write(text.getvalue().encode())
