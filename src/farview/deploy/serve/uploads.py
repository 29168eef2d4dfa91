"""Bodies of requests, held in memory and never longer than allowed, whatever their headers claim."""

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect

from farview.deploy.serve.limits import Limits, Refused

_VIDEO = (
    (4, b"ftyp"),  # MP4, MOV
    (4, b"moov"),
    (4, b"mdat"),
    (4, b"wide"),
    (4, b"free"),
    (0, b"\x1a\x45\xdf\xa3"),  # Matroska, WebM, eLR recordings
    (8, b"AVI "),
    (0, b"OggS"),
    (0, b"FLV"),
    (0, b"\0\0\1\xba"),  # MPEG
    (0, b"\0\0\1\xb3"),
)
"""How clips begin that are decoded. Playlists, which name other files, and picture and archive formats do not."""


async def body_of(request: Request, most: int, takes: str, seconds: float) -> bytes:
    """Raises `Refused`: 413 for more than `most` bytes, 408 where they take longer than `seconds`, 499 where the
    client goes before they are there. `takes` says in words what is taken."""
    async with _within(seconds):
        return b"".join([chunk async for chunk in _limited(request, most, takes)])


async def clip_of(request: Request, limits: Limits) -> bytes:
    """The clip in a form's field `clip`, or a body that is a video itself.

    Raises `Refused`: as `body_of`, 400 for a malformed form or a name with a path in it, 415 for what is no video.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        clip = await _from_form(request, limits)
    elif kind.startswith("video/"):
        clip = await body_of(request, limits.upload, _takes(limits), limits.seconds)
    else:
        raise Refused(415, f"the content type is {kind[:60]!r}; expected multipart/form-data or video/...")
    if not any(clip[place : place + len(mark)] == mark for place, mark in _VIDEO):
        raise Refused(415, "that is no video; expected MP4, MOV, Matroska, WebM, AVI, Ogg, FLV or MPEG")
    return clip


async def _from_form(request: Request, limits: Limits) -> bytes:
    stream = _limited(request, limits.upload + 4096, _takes(limits))  # the form's own lines
    try:
        async with _within(limits.seconds):
            form = await _InMemory(request.headers, stream, max_files=1, max_fields=0).parse()
    except (MultiPartException, UnicodeDecodeError, ValueError, KeyError):
        raise Refused(400, "the form cannot be read; expected one file in its field 'clip'") from None
    field = form.get("clip")
    if not isinstance(field, UploadFile):
        raise Refused(400, "the form has no file in its field 'clip'")
    if re.search(r"[/\\\x00-\x1f]", field.filename or ""):
        raise Refused(400, "the file's name holds a path; send the name alone")
    try:
        return await field.read()
    finally:
        await form.close()


class _InMemory(MultiPartParser):
    """Starlette's, without its temporary files: full pictures are not written to the disk."""

    spool_max_size = 1 << 62


@asynccontextmanager
async def _within(seconds: float) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise Refused(408, f"the request took longer than {seconds:g} s to arrive") from None


async def _limited(request: Request, most: int, takes: str) -> AsyncGenerator[bytes, None]:
    declared = request.headers.get("content-length", "0")
    size = 0
    if declared.isdecimal() and int(declared) > most:
        raise Refused(413, f"{takes}, got {int(declared)} bytes")
    try:
        async for chunk in request.stream():
            size += len(chunk)
            if size > most:
                raise Refused(413, f"{takes}, got more")
            yield chunk
    except ClientDisconnect:
        raise Refused(499, "the client went away") from None  # nobody reads it; it is counted


def _takes(limits: Limits) -> str:
    return f"a clip takes at most {limits.upload_mb:g} MB"
