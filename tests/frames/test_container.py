"""Containers of any PyAV: tags that are not UTF-8."""

from pathlib import Path

import av

from farview.frames.container import open_input, tag


def test_a_tag_that_is_not_utf8_hinders_nobody(tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w", format="matroska") as made:
        made.metadata["title"] = "stra?e"
        stream = made.add_stream("ffv1", rate=25)
        stream.width, stream.height = 8, 6
        for packet in stream.encode(av.VideoFrame(8, 6, "yuv420p")) + stream.encode():
            made.mux(packet)
    path.write_bytes(path.read_bytes().replace(b"stra?e", b"stra\xdfe"))
    with open_input(str(path)) as container:
        assert tag(container, "title") == "stra�e"
        assert tag(container, "artist") is None
        assert len(list(container.decode(video=0))) == 1
