"""What the server counts, in Prometheus' text format."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest


class Metrics:
    """Counters of one server."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        made = {"registry": self._registry, "namespace": "farview"}
        self.requests = Counter("requests", "HTTP requests", ["path", "status"], **made)  # type: ignore[arg-type]
        self.seconds = Histogram("request_seconds", "Until the answer was sent", ["path"], **made)  # type: ignore[arg-type]
        self.batch = Histogram(  # type: ignore[call-overload]
            "batch_windows", "Windows that the network took at once", buckets=(1, 2, 4, 8, 16, 32), **made
        )
        self.network = Histogram("network_seconds", "Of one pass of the network", **made)  # type: ignore[arg-type]
        self.live = Gauge("live_connections", "Open live connections", **made)  # type: ignore[arg-type]
        self.frames = Counter("live_frames", "eLR frames of live connections", **made)  # type: ignore[arg-type]

    def text(self) -> bytes:
        """The page `/metrics`."""
        return generate_latest(self._registry)
