"""The page's files."""

from importlib.resources import files

from fastapi import APIRouter, Response

from farview.deploy.serve.limits import Refused

TYPES = {
    "index.html": "text/html",
    "docs.html": "text/html",
    "style.css": "text/css",
    "app.js": "text/javascript",
    "docs.js": "text/javascript",
    "picture.js": "text/javascript",
    "sensor.js": "text/javascript",
}
"""Of every file that may be had."""

pages = APIRouter(include_in_schema=False)


@pages.get("/page/{name}")
def page(name: str) -> Response:
    """Raises `Refused` (404) for any other name."""
    if name not in TYPES:
        raise Refused(404, "no such page")
    return Response(files("farview.deploy.serve").joinpath("page", name).read_bytes(), media_type=TYPES[name])


@pages.get("/")
def index() -> Response:
    """For people."""
    return page("index.html")


@pages.get("/docs")
def docs() -> Response:
    """The API, for people."""
    return page("docs.html")
