"""The same application several times over, under Ray Serve: on this machine, or on a cluster."""

import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from fastapi import FastAPI

from farview.deploy.private import no_dumps
from farview.errors import FarviewError

NAME = "farview"
_QUIET = {"log_level": "WARNING", "enable_access_log": False}


@contextmanager
def replicated(
    build: Callable[[], FastAPI], count: int, http: dict[str, Any], connections: int, drain: float
) -> Iterator[None]:
    """While `count` replicas, a processor each, serve what `build` makes in them; they are drained at the end.

    They run in the Ray cluster of `RAY_ADDRESS`, or in one that starts and ends here; `http` is what Ray Serve's
    `HTTPOptions` take. Raises FarviewError where the cluster is too small or serves already.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # or Ray tells its makers
    import ray
    from ray import serve

    logging.getLogger("ray.serve").setLevel(logging.WARNING)
    cluster = os.environ.get("RAY_ADDRESS")
    ray.init(cluster or "local", log_to_driver=False, include_dashboard=False, logging_level=logging.WARNING)
    try:
        processors = int(ray.cluster_resources().get("CPU", 0))
        if count > processors:
            raise FarviewError(f"--replicas {count}: each takes a processor, the cluster has {processors}")
        if serve.status().proxies:
            raise FarviewError(
                "--replicas: Ray Serve runs in this cluster already; end it by: serve shutdown"
            )
        serve.start(http_options=http, logging_config=_QUIET)
        try:
            deployment = serve.deployment(
                name=NAME,
                num_replicas=count,
                max_ongoing_requests=connections,
                max_queued_requests=connections,
                graceful_shutdown_timeout_s=drain,
            )

            def made() -> FastAPI:
                no_dumps()
                return build()

            serve.run(deployment(serve.ingress(made)()).bind(), name=NAME, logging_config=_QUIET)
            yield
            serve.delete(NAME)  # drains; ending Serve at once would cut what is in progress
        finally:
            if cluster:
                serve.shutdown()
    finally:
        ray.shutdown()
