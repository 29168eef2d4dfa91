"""The verb: addresses, tokens, certificates, hostile connections, ending in good order, memory."""

import concurrent.futures
import hashlib
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx
import pytest

from farview.cli import main
from farview.deploy.serve.tls import self_signed
from tests.deploy.serve.clients import RAW, eleven_frames
from tests.deploy.serve.server import Server, serving
from tests.frames.videos import moving_picture, write_video

FRAMES = "/api/frames?shape=11x12x16x3"


def flat_over(server: Server, requests: int, folder: Path) -> None:
    """Fail where the server's memory grows with the number of requests, good and bad ones."""
    body = eleven_frames().tobytes()
    clip = write_video(folder / "clip.mp4", moving_picture(5, 48, 64)).read_bytes()
    with httpx.Client(base_url=server.bare) as client:

        def ask(count: int) -> None:
            for number in range(count):
                assert client.post(FRAMES, content=body, headers=RAW).status_code == 200
                if number % 50 == 0:
                    assert client.post("/api/predict", files={"clip": clip}).status_code == 200
                    assert client.post("/api/predict", files={"clip": clip[:-200]}).status_code in (200, 422)
                    assert client.post(FRAMES, content=body + b"x", headers=RAW).status_code == 413

        ask(requests // 4)  # until caches are filled
        before = server.resident()
        ask(requests)
        assert server.resident() - before < 12e6


def test_a_server_from_start_to_end(model: Path, tmp_path: Path) -> None:
    with serving(
        model, "--limit.requests", "100000", "--limit.upload_mb", "1", "--limit.uploads", "1"
    ) as server:
        assert server.bare.startswith("http://127.0.0.1:")
        flat_over(server, 300, tmp_path)
        many_at_the_same_time(server)
        endless_body_is_cut_off(server)
        too_many_uploads_are_sent_away(server)
        terminates_after_its_answers(server)


def endless_body_is_cut_off(server: Server) -> None:
    host, port = server.bare.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(
            b"POST /api/predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: video/mp4\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n"
        )
        answer = b""
        for _ in range(10_000):  # 1 GB
            try:
                connection.sendall(b"186a0\r\n" + bytes(100_000) + b"\r\n")
            except OSError:
                break
            connection.setblocking(False)
            try:
                answer = connection.recv(1000)
            except BlockingIOError:
                continue
            finally:
                connection.setblocking(True)
            break
        assert b"413" in answer.splitlines()[0]


def too_many_uploads_are_sent_away(server: Server) -> None:
    """While one clip is on its way, where one is allowed."""
    host, port = server.bare.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(
            b"POST /api/predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: video/mp4\r\n"
            b"Content-Length: 1000\r\n\r\n" + bytes(10)
        )
        assert httpx.get(f"{server.bare}/health").status_code == 200  # it has arrived by now
        answer = httpx.post(f"{server.bare}/api/predict", files={"clip": b"a clip"})
        assert answer.status_code == 503 and answer.json()["error"].startswith("busy")
        connection.sendall(bytes(990))
        assert b"415" in connection.recv(1000).splitlines()[0]


def terminates_after_its_answers(server: Server) -> None:
    """A request whose body is still coming when SIGTERM comes is answered; then the server is gone."""
    host, port = server.bare.removeprefix("http://").split(":")
    body = eleven_frames().tobytes()
    with socket.create_connection((host, int(port))) as connection:
        head = f"POST {FRAMES} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n"
        connection.sendall(head.encode() + body[:100])
        assert httpx.get(f"{server.bare}/health").status_code == 200  # the first request has arrived by now
        server.process.send_signal(signal.SIGTERM)
        while True:
            try:
                socket.create_connection((host, int(port))).close()
            except OSError:
                break  # it takes no more
        connection.sendall(body[100:])
        assert b"200 OK" in connection.recv(1000).splitlines()[0]
    assert server.process.wait(60) == -signal.SIGTERM  # 143 to a shell


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="needs Linux")
def test_who_reads_no_answers_is_cut_off(model: Path) -> None:
    with serving(model, "--limit.seconds", "1") as server, socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        host, port = server.bare.removeprefix("http://").split(":")
        client.connect((host, int(port)))
        client.sendall(
            b"GET /page/app.js HTTP/1.1\r\nHost: localhost\r\n\r\n" * 490
        )  # 8 MB, more than buffers hold
        time.sleep(5)
        with pytest.raises(ConnectionResetError):
            while client.recv(1 << 20):
                pass


def many_at_the_same_time(server: Server) -> None:
    body = eleven_frames().tobytes()
    with httpx.Client(base_url=server.bare) as client, concurrent.futures.ThreadPoolExecutor(16) as pool:
        before = windows(client)
        asked = [pool.submit(client.post, FRAMES, content=body, headers=RAW) for _ in range(64)]
        answers = [future.result().json() for future in asked]
        for answer in answers:  # in a batch as alone, to rounding
            assert answer["label"] == answers[0]["label"]
            assert answer["scores"] == pytest.approx(answers[0]["scores"], abs=1e-5)
        assert windows(client) - before == 64


def windows(client: httpx.Client) -> float:
    """How many the network has seen, by the server's own account."""
    [line] = [
        line
        for line in client.get("/metrics").text.splitlines()
        if line.startswith("farview_batch_windows_sum")
    ]
    return float(line.split()[1])


@pytest.mark.slow
def test_memory_is_flat_over_ten_thousand_requests(model: Path, tmp_path: Path) -> None:
    with serving(model, "--limit.requests", "100000") as server:
        flat_over(server, 10_000, tmp_path)


def test_where_others_can_ask_there_is_a_token_and_tls_on_demand(model: Path) -> None:
    with serving(model, "--host", "0.0.0.0", "--tls") as server:
        address, _, token = server.address.partition("#token=")
        assert address.startswith("https://") and len(token) >= 20
        here, place = address + "api/model", httpx.URL(address)
        assert place.host not in ("0.0.0.0", "127.0.0.1", "localhost") and place.port is not None
        shown = ssl.get_server_certificate((place.host, place.port))
        fingerprint = hashlib.sha256(ssl.PEM_cert_to_DER_cert(shown)).hexdigest().upper()
        assert fingerprint in " ".join(server.said).replace(":", "")
        trusted = ssl.create_default_context(cadata=shown)  # of its names only
        assert httpx.get(here, verify=trusted).status_code == 401
        answer = httpx.get(here, headers={"authorization": f"Bearer {token}"}, verify=trusted)
        assert answer.status_code == 200
    assert not list(Path(tempfile.gettempdir()).glob("*/key.pem"))


def test_the_certificate_is_good_for_the_hosts_names_only(tmp_path: Path) -> None:
    certificate, key, _ = self_signed(tmp_path, "192.0.2.7")
    assert key.stat().st_mode & 0o077 == 0
    text = subprocess.run(
        ["openssl", "x509", "-in", certificate, "-noout", "-text"], capture_output=True, text=True, check=True
    ).stdout
    assert "IP Address:192.0.2.7" in text and "DNS:localhost" in text and "CA:FALSE" in text


def test_what_cannot_be_is_said(model: Path, tmp_path: Path) -> None:
    def complaint(*options: str) -> str:
        with pytest.raises(SystemExit) as ended:
            main(["serve", str(model), *options])
        return str(ended.value.code)

    assert "--tls takes nothing, or two files" in complaint("--tls", "one.pem")
    assert "one.pem: no such file" in complaint("--tls", "one.pem", "two.pem")
    (tmp_path / "bad.pem").write_text("no certificate")
    assert "--tls: the certificate" in complaint(
        "--tls", str(tmp_path / "bad.pem"), str(tmp_path / "bad.pem")
    )
    for token in ("short", "with spaces in its middle"):
        assert "--token: expected 16" in complaint("--token", token)
    assert "--window is 0" in complaint("--window", "0")
    assert "limit.pixels is 0" in complaint("--limit.pixels", "0")
    assert "--limit.live_rate is 60, less than the 100" in complaint(
        "--rate", "100", "--limit.live_rate", "60"
    )
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert "in use" in complaint("--port", str(taken.getsockname()[1]))
    assert "cannot be listened on" in complaint("--port", "99999")
    with pytest.raises(SystemExit) as ended:
        main(["serve", str(tmp_path / "none.safetensors")])
    assert "none.safetensors: no such model" in str(ended.value.code)


@pytest.mark.parametrize(("library", "extra"), [("fastapi", "serve"), ("ray", "cluster")])
def test_without_its_packages_the_extra_is_named(model: Path, library: str, extra: str) -> None:
    code = (
        f"import sys; sys.modules[{library!r}] = None; from farview.cli import main; "
        f"main(['serve', {str(model)!r}, '--port', '0', '--replicas', '1'])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 1
    assert result.stderr == (
        f"farview: farview serve needs {library}, which is not installed: pip install 'farview[{extra}]'\n"
    )
