"""Run the phases of many cells: each once, those that others need first, side by side where asked."""

import os
import signal
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field, replace
from multiprocessing import active_children, get_context
from pathlib import Path
from typing import Any, Literal

from farview.errors import FarviewError
from farview.experiments.tables.cells import Cell
from farview.frames.workers import follow_parent
from farview.rivals.run import (
    RivalConfig,
    check_rival,
    folders_before,
    phases_read,
    rival_folder,
    run_rival,
)
from farview.training.data import Prepared, prepare
from farview.training.phases import MODEL, check_inputs, needs, phase_folders, run_phase
from farview.training.recipe import Phase, Recipe, digest

Engine = Literal["local", "ray"]


@dataclass(frozen=True)
class Task:
    """One phase that one or several cells need."""

    name: str
    recipe: Recipe
    phase: Phase
    folders: dict[Phase, Path]
    """Of all the phases of its cell."""
    rival: RivalConfig | None = None
    """What is trained in the phase's place."""
    builds_on: tuple[Path, ...] = ()
    """Folders of the phases that this rival needs."""

    @property
    def folder(self) -> Path:
        """Where its model will lie."""
        return self.folders[self.phase]

    @property
    def before(self) -> list[Path]:
        """Folders of the phases that must be done."""
        if self.rival is not None:
            return list(self.builds_on)
        return [self.folders[other] for other in needs(self.recipe, self.phase)]


@dataclass(frozen=True)
class Planned:
    """A cell with what its recipe leads to."""

    cell: Cell
    clips: Prepared
    folders: dict[Phase, Path]
    networks: dict[Phase, Path] = field(default_factory=dict)
    """Of a rival: the folders of the phases that it builds on."""
    flow: "Planned | None" = None
    """The same of the flow network, of a row of two streams."""

    @property
    def streams(self) -> "tuple[Planned, ...]":
        """Those whose scores make the row's."""
        return (self,) if self.flow is None else (self, self.flow)

    @property
    def last(self) -> Path:
        """The model file of the phase that the row shows."""
        return self.folders[self.cell.row.phase] / MODEL


Opened = dict[str, Prepared]
"""Data sets by a digest of what was asked of them."""


def plan(cells: Iterable[Cell], quiet: bool = False, opened: Opened | None = None) -> list[Planned]:
    """Open and decode the data of every cell, each data set once; where each cell's phases will lie.

    HR frames are decoded where one of the cells needs them. `opened` holds what an earlier plan opened, and takes what
    this one does.
    """
    opened = {} if opened is None else opened
    cells = list(cells)
    if not any(map(needs_hr, cells)):
        cells = [replace(cell, recipe=replace(cell.recipe, phases=("student",))) for cell in cells]

    def planned(cell: Cell) -> Planned:
        recipe, rival = cell.recipe, cell.row.rival
        if rival is None:
            check_inputs(recipe)
        else:
            check_rival(recipe, rival)
        key = digest(
            [
                recipe.data,
                recipe.input,
                recipe.augment,
                recipe.store,
                recipe.skip_unreadable,
                recipe.unreadable_share,
                recipe.phases,
            ]
        )
        if key not in opened:
            opened[key] = prepare(recipe, quiet)
        clips = opened[key]
        if rival is not None:
            folder = rival_folder(recipe, rival, clips)
            return Planned(cell, clips, {"student": folder}, folders_before(recipe, rival, clips))
        folders = phase_folders(recipe, clips)
        return Planned(cell, clips, folders, flow=planned(cell.flow) if cell.flow else None)

    return [planned(cell) for cell in cells]


def needs_hr(cell: Cell) -> bool:
    """Whether something that the cell trains learns from HR frames."""
    row, recipe = cell.row, cell.recipe
    if row.rival is not None:
        return "teacher" in phases_read(recipe, row.rival)
    return row.phase != "student" or "teacher" in needs(recipe, "student")


def tasks_of(planned: Iterable[Planned]) -> list[Task]:
    """Every phase that is not done yet, once, those that others build on first."""
    tasks: dict[Path, Task] = {}
    for item in (stream for each in planned for stream in each.streams):
        recipe, rival = item.cell.recipe, item.cell.row.rival
        last = item.cell.row.phase
        # A transfer is compared with both networks, T-Net with S-Net.
        wanted: tuple[Phase, ...] = ("student",) if last == "student" else ("teacher", "student", last)
        own = [
            Task(
                f"{phase} of {item.cell.name}" if rival is None else item.cell.name,
                recipe,
                phase,
                item.folders,
                rival,
                tuple(item.networks.values()),
            )
            for phase in dict.fromkeys(wanted)
        ]
        below = [
            Task(f"{phase} (for {item.cell.name})", recipe, phase, item.networks) for phase in item.networks
        ]
        for task in own if all(map(is_done, own)) else below + own:
            if not is_done(task):
                tasks.setdefault(task.folder, task)
    order = {"teacher": 0, "student": 1, "transfer": 2}
    return sorted(tasks.values(), key=lambda task: order[task.phase])


def is_done(task: Task) -> bool:
    """Whether its model is there."""
    return (task.folder / MODEL).is_file()


def work(task: Task, recipe: Recipe, quiet: bool) -> None:
    """Train one phase, or what stands in its place; what a worker process runs."""
    clips = prepare(recipe, quiet=True)
    if task.rival is None:
        run_phase(recipe, task.phase, clips, task.folders, quiet)
    else:
        run_rival(recipe, task.rival, clips, quiet)


def run_tasks(
    tasks: list[Task], jobs: int, engine: Engine, report: Callable[[Task, int], None], quiet: bool
) -> dict[Path, str]:
    """Run all tasks, `jobs` at once (ray: as many as the cluster has room for); returns failed folders and why.

    A phase that fails fails those that build on it; the others go on. Where a process is killed, what ran beside it
    is lost with it: those phases go on from their last epochs, one at a time, and one that is killed alone has failed.
    On Ctrl-C what runs is ended at once.
    `report` is called after each that is done.
    """
    failed: dict[Path, str] = {}
    waiting, done = list(tasks), 0
    again: list[Task] = []
    running: dict[Future, Task] = {}
    pending = {task.folder for task in tasks}
    pool = executor(jobs, engine)

    def start(task: Task) -> None:
        nonlocal pool
        recipe, silent = one_job(task.recipe, jobs), quiet or jobs > 1
        try:
            running[pool.submit(work, task, recipe, silent)] = task
        except BrokenProcessPool:  # an idle process was killed; the tasks at work are told by their futures
            if running:
                again.append(task)
            else:
                pool = executor(jobs, engine)
                running[pool.submit(work, task, recipe, silent)] = task

    try:
        while waiting or again or running:
            ready = [t for t in waiting if not again and not any(folder in pending for folder in t.before)]
            for task in ready:
                waiting.remove(task)
                broken = [failed[folder] for folder in task.before if folder in failed]
                if broken:
                    failed[task.folder] = broken[0]
                    pending.discard(task.folder)
                else:
                    start(task)
            if again and not running:
                start(again.pop(0))
            alone = len(running) == 1
            finished, _ = wait(running, return_when=FIRST_COMPLETED)
            if any(was_killed(future) for future in finished):
                finished, _ = wait(running)  # they all end then
                pool.shutdown()
                pool = executor(jobs, engine)
            for future in finished:
                task = running.pop(future)
                if was_killed(future) and not alone:
                    again.append(task)
                    continue
                pending.discard(task.folder)
                if (why := failure(future)) is not None:
                    failed[task.folder] = f"{task.name}: {why}"
                done += 1
                report(task, done)
    except BaseException:
        for process in active_children():
            process.kill()  # its phase goes on from its last epoch
        pool.shutdown(cancel_futures=True)
        raise
    pool.shutdown()
    return failed


def one_job(recipe: Recipe, jobs: int) -> Recipe:
    """The recipe with this job's share of the processor's threads, where it does not state its own."""
    if recipe.machine.threads is not None or jobs == 1:
        return recipe
    threads = max(1, (os.cpu_count() or 1) // jobs)
    return replace(recipe, machine=replace(recipe.machine, threads=threads))


def was_killed(future: Future) -> bool:
    """Whether a task ended with its process, or with one beside it."""
    return isinstance(future.exception(), BrokenProcessPool)


def failure(future: Future) -> str | None:
    """Why a task failed, or None."""
    error = future.exception()
    if error is None:
        return None
    if was_killed(future):
        return "its process was killed (out of memory?); the same command goes on from its last epoch"
    if isinstance(error, KeyboardInterrupt):
        raise error
    return str(error) if isinstance(error, FarviewError) else f"{type(error).__name__}: {error}"


def executor(jobs: int, engine: Engine) -> Executor:
    """Processes of this machine, or tasks of a Ray cluster."""
    if engine == "ray":
        return RayExecutor()
    return ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=start_worker)


def start_worker() -> None:
    """First thing in a worker: Ctrl-C is for the parent, which ends it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    follow_parent()


class RayExecutor(Executor):
    """Tasks of the Ray cluster that RAY_ADDRESS names, or of one started on this machine."""

    def __init__(self) -> None:
        try:
            import ray
        except ImportError:
            raise FarviewError("--engine ray needs Ray: pip install 'farview[cluster]'") from None
        self._ray = ray
        self._ours = not ray.is_initialized()
        if self._ours:
            ray.init(log_to_driver=False, include_dashboard=False)

    def submit(self, fn: Callable, /, *args: Any, **kwargs: Any) -> Future:
        """One task of one processor (and of one GPU where the cluster has them)."""
        gpus = 1 if self._ray.cluster_resources().get("GPU", 0) else 0
        return self._ray.remote(num_cpus=1, num_gpus=gpus)(fn).remote(*args, **kwargs).future()

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the cluster where it was started here; it ends its tasks."""
        if self._ours:
            self._ray.shutdown()
