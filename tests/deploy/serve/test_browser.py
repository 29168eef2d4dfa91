"""The page in a real browser (Debian's Chromium, driven by Playwright). Run with: make test-browser"""

import base64
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import farview
from farview.deploy.export import export
from farview.frames.intervals import Intervals
from farview.frames.sensor import SensorModel
from farview.models.recogniser import Recogniser
from tests.deploy.serve.clients import TOKEN, small_model
from tests.deploy.serve.server import Server, serving
from tests.frames.videos import moving_picture, write_video

pytestmark = pytest.mark.slow
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FAKE_CAMERA = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
QUIET = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
FRAME = 12 * 16 * 3


@dataclass
class Wire:
    """All that a page asked for and sent."""

    addresses: list[str] = field(default_factory=list)
    posts: list[bytes | None] = field(default_factory=list)
    """Bodies of requests that are no GET."""
    frames: list[bytes | str] = field(default_factory=list)
    """Messages of WebSockets."""
    sockets: int = 0
    """How many WebSockets were opened."""
    complaints: list[str] = field(default_factory=list)
    """Of the page's scripts."""


@contextmanager
def opened(
    address: str, folder: Path, *arguments: str, size: tuple[int, int] = (1280, 900)
) -> Iterator[tuple[Any, Wire]]:
    """The page and its wire, in a browser of its own."""
    if CHROMIUM is None:
        pytest.skip("needs Chromium: apt-get install chromium")
    sync_api = pytest.importorskip(
        "playwright.sync_api", reason="needs Playwright: pip install 'farview[browser]'"
    )
    wire = Wire()
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch_persistent_context(
            folder / "profile",
            executable_path=CHROMIUM,
            args=[*QUIET, *arguments],
            viewport={"width": size[0], "height": size[1]},
            ignore_https_errors=True,
        )
        page = browser.new_page()
        page.on("request", lambda request: wire.addresses.append(request.url))
        page.on(
            "request", lambda request: request.method == "GET" or wire.posts.append(request.post_data_buffer)
        )

        def note(socket: Any) -> None:
            wire.sockets += 1
            socket.on("framesent", lambda frame: wire.frames.append(frame))

        page.on("websocket", note)
        page.on("pageerror", lambda error: wire.complaints.append(str(error)))
        page.set_default_timeout(60_000)
        sync_api.expect.set_options(timeout=60_000)
        page.goto(address)
        yield page, wire
        browser.close()


def expect(page: Any, what: str) -> Any:
    from playwright.sync_api import expect as expecting

    return expecting(page.locator(what))


@pytest.fixture(scope="module")
def model(folder: Path) -> Path:
    return small_model(folder, noise=0.0)


@pytest.fixture(scope="module")
def server(model: Path) -> Iterator[Server]:
    with serving(model, "--rate", "15", "--window", "1") as made:
        yield made


DEGRADED = """async ([rgba, height, width, channels, noise]) => {
    const { degrade } = await import("/page/sensor.js");
    const matrices = await (await fetch(`/api/sensor?height=${height}&width=${width}`)).json();
    const pixels = Uint8ClampedArray.from(atob(rgba), (letter) => letter.charCodeAt(0));
    return [...degrade(pixels, { ...matrices, noise }, channels)];
}"""


def in_browser(page: Any, frame: np.ndarray, channels: int, noise: float = 0.0) -> np.ndarray:
    """What sensor.js makes of an RGB frame (H, W, 3)."""
    rgba = np.dstack([frame, np.full(frame.shape[:2], 255, np.uint8)])
    given = [base64.b64encode(rgba.tobytes()).decode(), *frame.shape[:2], channels, noise]
    return np.array(page.evaluate(DEGRADED, given)).reshape(12, 16, channels)


def test_frames_are_degraded_as_everywhere_else(server: Server, tmp_path: Path) -> None:
    import cv2

    clean = SensorModel(12, 16, noise=0.0)
    rng = np.random.default_rng(0)
    with opened(server.address, tmp_path) as (page, _):
        for height, width in [(48, 64), (61, 77), (90, 51), (12, 17), (240, 320), (480, 640), (480, 854)]:
            frame = rng.integers(0, 256, (height, width, 3), np.uint8)  # noise: the hardest content
            np.testing.assert_array_equal(in_browser(page, frame, 3), clean.degrade(frame[None], [0])[0])
            luma = np.asarray(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY))[None, ..., None]
            np.testing.assert_array_equal(in_browser(page, frame, 1), clean.degrade(luma, [0])[0])
        flat = np.full((48, 64, 3), 128, np.uint8)
        noisy = np.stack([in_browser(page, flat, 3, noise=2.0) for _ in range(20)])  # 11,520 draws
        assert abs(noisy.mean() - 128) < 0.1 and abs(noisy.std() - np.hypot(2, 12**-0.5)) < 0.06
        for intervals in (Intervals(8), Intervals(6, 3, 2), Intervals(4, 5), Intervals(3, 16, 4)):
            asked = {"count": intervals.count, "frames": intervals.frames, "stride": intervals.stride}
            for length in (1, 2, 7, 8, 50, 75, 301):
                code = "async ([a, n]) => (await import('/page/sensor.js')).intervalIndices(a, n)"
                assert page.evaluate(code, [asked, length]) == intervals.indices(length).tolist()


def test_a_clip_is_recognised_and_only_its_elr_frames_are_sent(
    server: Server, model: Path, folder: Path, tmp_path: Path
) -> None:
    frames = moving_picture(30, 120, 160)
    path = write_video(folder / "clip.mp4", frames, options={"crf": "10", "bf": "0"})
    with opened(server.address, tmp_path) as (page, wire):
        expect(page, "#facts").to_contain_text("12×16")
        page.set_input_files("#file", path)
        expect(page, "#status").to_have_text("clip.mp4, the whole clip")
        page.wait_for_timeout(1000)  # it plays on; nothing more may be sent
        label = page.locator("#label").text_content()
        assert page.locator("#scores li").count() == 2 and page.locator(".tile").count() == 3
        expect(page, "#history li").to_contain_text("clip.mp4")
        expect(page, "#sent").to_contain_text("3 frames of 12×16, 2 kB")
    [body] = wire.posts
    assert body is not None and len(body) == 3 * FRAME and not wire.frames and not wire.complaints
    seen = np.frombuffer(body, np.uint8).reshape(3, 12, 16, 3)
    expected = Recogniser(model).recognise(path)
    difference = np.abs(seen.astype(int) - expected.seen[:, 0])
    assert difference.mean() < 2  # another decoder's colours; the neighbouring frames differ by more
    other = Recogniser(model).recognise(frames[[1, 2, 3]]).seen[:, 0]
    assert np.abs(seen.astype(int) - other).mean() > 4
    assert label == farview.load(model).predict(path).label
    assert all(address.startswith((server.bare, "blob:", "data:")) for address in wire.addresses)


def test_an_exported_model_has_no_maps_to_show(model: Path, folder: Path, tmp_path: Path) -> None:
    path = write_video(folder / "exported.mp4", moving_picture(30, 120, 160))
    exported, _ = export(model, "onnx", tmp_path / "model.zip", check=[str(path)], quiet=True)
    with serving(exported) as server, opened(server.address, tmp_path) as (page, wire):
        expect(page, "#facts").to_contain_text("12×16")
        page.set_input_files("#file", path)
        expect(page, "#status").to_have_text("exported.mp4, the whole clip")
        assert page.locator(".tile").count() == 3
        expect(page, "#maps-check").to_be_hidden()
        expect(page, "#problem").to_be_hidden()
    assert not wire.complaints


def press_access_key(page: Any, letter: str) -> None:
    """Alt and the letter, as Chromium tells keys: Playwright leaves out what the key alone would type."""
    key = {"modifiers": 1, "key": letter, "text": letter, "unmodifiedText": letter}
    devices = page.context.new_cdp_session(page)
    for kind in ("keyDown", "keyUp"):
        devices.send("Input.dispatchKeyEvent", {"type": kind, **key})


def test_a_camera_is_recognised_and_only_elr_frames_are_sent(server: Server, tmp_path: Path) -> None:
    with opened(server.address, tmp_path, *FAKE_CAMERA) as (page, wire):
        expect(page, "#facts").to_contain_text("12×16")
        page.keyboard.press("c")  # what speech or a stray hand types
        expect(page, "#stop").to_be_disabled()
        press_access_key(page, "c")
        expect(page, "#status").to_have_text("Live")
        assert page.locator("#label").text_content() in ("walk", "fall")
        page.locator("#resolution").focus()
        for _ in range(4):  # to all pixels, which are shown and not sent
            page.keyboard.press("ArrowRight")
        expect(page, "#coarse-tag").to_have_text("stays here")
        page.wait_for_timeout(1500)
        assert page.evaluate("document.getElementById('coarse').width") > 100
        before = len(wire.frames)
        press_access_key(page, "s")
        expect(page, "#status").to_have_text("Stopped.")
        page.wait_for_timeout(500)
        assert len(wire.frames) <= before + 2
    assert len(wire.frames) >= 15
    assert {len(frame) for frame in wire.frames} == {FRAME}
    assert all(isinstance(frame, bytes) for frame in wire.frames)
    assert len(set(wire.frames)) > 5  # a picture that moves
    assert not wire.posts and not wire.complaints
    assert all(address.startswith((server.bare, "blob:", "data:")) for address in wire.addresses)


# Each picture takes so many milliseconds more.
SLOWER = """(most) => {
    const { getImageData } = CanvasRenderingContext2D.prototype;
    CanvasRenderingContext2D.prototype.getImageData = function (...place) {
        for (const end = performance.now() + most; performance.now() < end; );
        return getImageData.apply(this, place);
    };
}"""


def test_a_slow_browser_keeps_to_the_grid(server: Server, tmp_path: Path) -> None:
    """At 15 a second of which it makes at most 5, each frame stands for three."""
    with opened(server.address, tmp_path, *FAKE_CAMERA) as (page, wire):
        expect(page, "#facts").to_contain_text("12×16")
        page.evaluate(SLOWER, 200)
        page.click("#camera")
        expect(page, "#status").to_have_text("Live")
        page.wait_for_timeout(2000)
    runs = [len(list(run)) for _, run in groupby(wire.frames)]
    assert wire.sockets == 1 and not wire.complaints
    assert len(runs) > 5 and np.median(runs[1:-1]) >= 3


def test_after_a_gap_live_answers_begin_afresh(server: Server, tmp_path: Path) -> None:
    """As when a phone sleeps, or the page is hidden."""
    hide = """(hidden) => {
        Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
        document.dispatchEvent(new Event("visibilitychange"));
    }"""
    with opened(server.address, tmp_path, *FAKE_CAMERA) as (page, wire):
        page.click("#camera")
        expect(page, "#status").to_have_text("Live")
        page.evaluate("for (const end = performance.now() + 3000; performance.now() < end; );")
        expect(page, "#status").to_contain_text("Watching")
        expect(page, "#status").to_have_text("Live")
        assert wire.sockets == 2
        page.evaluate(hide, True)
        expect(page, "#status").to_have_text("Paused while this page is hidden.")
        page.wait_for_timeout(500)
        before = len(wire.frames)
        page.wait_for_timeout(500)
        assert len(wire.frames) == before
        page.evaluate(hide, False)
        expect(page, "#status").to_have_text("Live")
        assert wire.sockets == 3 and not wire.complaints


def test_only_the_newest_frames_are_kept(model: Path, tmp_path: Path) -> None:
    """Also where two seconds are no whole number of frames."""
    note = """window.most = 0;
        const { set } = Map.prototype;
        Map.prototype.set = function (key, value) {
            set.call(this, key, value);
            if (value instanceof Uint8Array) window.most = Math.max(window.most, this.size);
        };"""
    with (
        serving(model, "--rate", "29.97", "--window", "0.2") as server,
        opened(server.address, tmp_path, *FAKE_CAMERA) as (page, wire),
    ):
        page.evaluate(f"() => {{ {note} }}")
        page.click("#camera")
        expect(page, "#status").to_have_text("Live")
        page.wait_for_function(
            "() => Number(document.getElementById('sent').textContent.match(/\\d+/)) > 100"
        )
        assert 0 < page.evaluate("window.most") <= 6 + 60 + 1
        assert not wire.complaints


def test_the_likeliest_stand_first_whatever_they_are_called(
    server: Server, folder: Path, tmp_path: Path
) -> None:
    path = write_video(folder / "numbers.mp4", moving_picture(30, 120, 160))
    scores = '{"7": 0.6, "walk": 0.3, "3": 0.1}'
    said = f'{{"label": "7", "score": 0.6, "scores": {scores}, "attention": [0.4, 0.3, 0.3]}}'
    with opened(server.address, tmp_path) as (page, _):
        page.route("**/api/frames*", lambda route: route.fulfill(body=said, content_type="application/json"))
        expect(page, "#facts").to_contain_text("12×16")
        page.set_input_files("#file", path)
        expect(page, "#status").to_have_text("numbers.mp4, the whole clip")
        assert page.locator("#scores li span:first-child").all_text_contents() == ["7", "walk", "3"]


def test_what_may_have_been_sent_is_counted(server: Server, folder: Path, tmp_path: Path) -> None:
    path = write_video(folder / "lost.mp4", moving_picture(30, 120, 160))
    with opened(server.address, tmp_path) as (page, _):
        page.route("**/api/frames*", lambda route: route.abort())
        expect(page, "#facts").to_contain_text("12×16")
        page.set_input_files("#file", path)
        expect(page, "#problem").to_contain_text("cannot be reached")
        expect(page, "#sent").to_contain_text("3 frames")


def test_a_new_token_is_asked_for(model: Path, tmp_path: Path) -> None:
    """Where the server was started again with another; or it is in the address that is opened then."""
    with serving(model, "--token", TOKEN, "--window", "1") as server:
        port = server.bare.rpartition(":")[2]
        with opened(server.address, tmp_path, *FAKE_CAMERA) as (page, wire):
            expect(page, "#facts").to_contain_text("12×16")
            server.process.kill()
            server.process.wait()
            with serving(model, "--token", TOKEN[::-1], "--window", "1", "--port", port):
                page.click("#camera")
                expect(page, "#token-form").to_be_visible()
                expect(page, "#problem").to_contain_text("a token is needed")
                page.evaluate(f"location.hash = 'token={TOKEN[::-1]}'")
                expect(page, "#token-form").to_be_hidden()
                assert page.evaluate("location.hash") == ""
                page.click("#camera")
                expect(page, "#status").to_have_text("Live")
            assert not wire.complaints


def test_what_goes_wrong_is_said(server: Server, folder: Path, tmp_path: Path) -> None:
    (folder / "no.mp4").write_text("no video")
    with opened(
        server.address, tmp_path, "--use-fake-device-for-media-stream", "--deny-permission-prompts"
    ) as (page, wire):
        expect(page, "#facts").to_contain_text("12×16")
        page.set_input_files("#file", folder / "no.mp4")
        expect(page, "#problem").to_contain_text("no.mp4: this browser cannot play it")
        page.click("#camera")
        expect(page, "#problem").to_contain_text("The camera is not allowed on this page")
    assert not wire.frames and not wire.posts and not wire.complaints


def test_no_camera_and_a_server_that_goes_away(model: Path, tmp_path: Path) -> None:
    with serving(model, "--window", "1") as server:
        with opened(server.address, tmp_path / "a", "--use-fake-ui-for-media-stream") as (page, _):
            page.click("#camera")
            expect(page, "#problem").to_contain_text("This device has no camera")
        with opened(server.address, tmp_path / "b", *FAKE_CAMERA) as (page, wire):
            page.click("#camera")
            expect(page, "#status").to_have_text("Live")
            server.process.terminate()
            expect(page, "#problem").to_contain_text("The server ended the connection")
        assert not wire.complaints


def test_the_token_is_asked_for_and_https_has_a_camera(model: Path, tmp_path: Path) -> None:
    with serving(model, "--token", TOKEN, "--tls", "--window", "1") as server:
        with opened(server.bare, tmp_path / "a", *FAKE_CAMERA) as (page, wire):
            expect(page, "#token-form").to_be_visible()
            page.fill("#token", TOKEN)
            page.keyboard.press("Enter")
            expect(page, "#facts").to_contain_text("12×16")
            expect(page, "#token-form").to_be_hidden()
            page.click("#camera")
            expect(page, "#status").to_have_text("Live")
        assert {len(frame) for frame in wire.frames} == {FRAME}
        assert not any(TOKEN in address for address in wire.addresses)


def test_a_phone_sees_all_of_it(server: Server, tmp_path: Path) -> None:
    with opened(server.address, tmp_path, *FAKE_CAMERA, size=(390, 844)) as (page, _):
        page.click("#camera")
        expect(page, "#status").to_have_text("Live")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        for button in ("#camera", "#open", "#stop"):
            box = page.locator(button).bounding_box()
            assert box["height"] >= 44 and box["x"] >= 0 and box["x"] + box["width"] <= 390


def test_the_keyboard_reaches_everything(server: Server, tmp_path: Path) -> None:
    with opened(server.address, tmp_path) as (page, _):
        expect(page, "#facts").to_contain_text("12×16")
        reached = set()
        for _ in range(12):
            page.keyboard.press("Tab")
            reached.add(page.evaluate("document.activeElement.id || document.activeElement.tagName"))
        assert {"camera", "open", "resolution", "show-maps", "A"} <= reached


def test_the_api_page_lists_every_path(server: Server, tmp_path: Path) -> None:
    with opened(f"{server.bare}/docs", tmp_path) as (page, wire):
        for path in ("POST /api/predict", "POST /api/frames", "GET /api/sensor", "GET /metrics"):
            expect(page, f"h2:text-is('{path}')").to_be_visible()
    assert not wire.complaints
    assert all(address.startswith((server.bare, "data:")) for address in wire.addresses)
