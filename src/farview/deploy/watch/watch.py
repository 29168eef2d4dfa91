"""The verb `farview watch`: live labels of one source or many."""

import json
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from threading import Event

from farview.console import say
from farview.deploy.private import no_dumps
from farview.deploy.stop import stop_on_signal
from farview.deploy.watch.actions import Actions
from farview.deploy.watch.cameras import Watched, watch_feeds
from farview.deploy.watch.feed import Feed, live_source
from farview.deploy.watch.recorded import watch_recording
from farview.deploy.watch.setup import Report, Settings, Setup, set_up
from farview.errors import FarviewError
from farview.frames.camera import camera_of
from farview.models.sight import described


def watch(
    model: str | Path,
    source: str | None = None,
    sources: str | Path | None = None,
    settings: Settings | None = None,
    as_json: bool = False,
    pace: bool = False,
    on: Sequence[str] = (),
    command: str | None = None,
    webhook: str | None = None,
) -> None:
    """Say what happens before a camera, at an address, in a folder that fills or in a file; or before many cameras.

    A file is read as fast as it goes, every frame, unless `pace`; one of several `sources` (a file: a line each, a
    name and a source) plays at its own speed. Ends where all sources end, or by Ctrl-C. Raises `FarviewError` where
    nothing can be watched.
    """
    no_dumps()
    if (source is None) == (sources is None):
        raise FarviewError("what is to be watched? name either a source or, by --sources, a file of them")
    setup = set_up(model, settings or Settings())
    if not as_json:
        say(setup.told())
    with (
        stop_on_signal() as stop,
        Actions(setup.contract.classes, on, command, webhook, say, stop) as actions,
    ):
        if source is not None and not pace and is_file(source):
            show = printer(as_json, False)
            for report in watch_recording(setup, described(source, setup.contract.trained)):
                show(report)
                actions(report)
                if stop.is_set():
                    return
        else:
            named = {None: source} if source is not None else read_sources(Path(str(sources)))
            watch_live(setup, named, stop, actions, as_json)  # type: ignore[arg-type]


def watch_live(
    setup: Setup, named: dict[str | None, str], stop: Event, actions: Actions, as_json: bool
) -> None:
    """Watch the sources by name (None: by its own) until they end. One that fails holds up no other.

    Raises `FarviewError` where all of them have failed.
    """
    feeds = []
    for name, text in named.items():
        said = say if name is None else _prefixed(name)
        try:
            camera = live_source(text, setup.contract, setup.plan.rate, said)
        except FarviewError as error:
            raise FarviewError(str(error) if name is None else f"{name}: {error}") from None
        capacity = setup.plan.length + setup.plan.hop
        feeds.append(Feed(name or camera.name, camera, setup.see, capacity, stop, said, name is not None))
    with ExitStack() as stack:
        if as_json or not sys.stdout.isatty():
            show, look = printer(as_json, len(feeds) > 1), _nothing
        else:
            from farview.deploy.watch.view import View

            view = stack.enter_context(View())
            show, look = view, view.look

        def tell(report: Report) -> None:
            show(report)
            actions(report)

        watch_feeds(setup, feeds, stop, tell, look)
    errors = [feed.error for feed in feeds if feed.error is not None]
    if len(errors) == len(feeds):
        raise errors[0] if len(feeds) == 1 else FarviewError("every source has failed; see above")


def _prefixed(name: str) -> Callable[[str], None]:
    return lambda text: say(f"{name}: {text}")


def _nothing(watched: Sequence[Watched]) -> None:
    pass


def printer(as_json: bool, named: bool) -> Callable[[Report], None]:
    """Prints a report as a line, for programs or for people; for these with the source's name where it is `named`."""

    def show(report: Report) -> None:
        name = f"{report.source}  " if named else ""
        print(json.dumps(report.to_dict()) if as_json else name + report.to_line(), flush=True)

    return show


def is_file(source: str) -> bool:
    """Whether `source` names a recording, and nothing that goes on by itself."""
    return camera_of(source) is None and not Path(source).is_dir()


def read_sources(path: Path) -> dict[str, str]:
    """Name -> source, of a file with a line `name source` each; blank lines and those that begin with # are none.

    Raises `FarviewError` that names the line.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise FarviewError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from None
    named: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        name, source = [*line.split(maxsplit=1), "", ""][:2]
        if not name or name.startswith("#"):
            continue
        if not source:
            raise FarviewError(
                f"{path}, line {number}: expected a name and a source: hall rtsp://host/stream"
            )
        if name in named:
            raise FarviewError(f"{path}, line {number}: the name '{name}' is there twice")
        named[name] = source.strip()
    if not named:
        raise FarviewError(f"{path}: names no sources; expected a line each: hall rtsp://host/stream")
    return named
