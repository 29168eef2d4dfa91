"""What the server counts, in Prometheus' text format."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest


class Metrics:
    """Counters of one server."""

    def __init__(self) -> None:
        own = self._registry = CollectorRegistry()
        self.requests = Counter(
            "farview_requests", "Requests and handshakes", ["path", "status"], registry=own
        )
        self.seconds = Histogram("farview_request_seconds", "Until answered", ["path"], registry=own)
        self.batch = Histogram(
            "farview_batch_windows", "In one pass of the network", buckets=(1, 2, 4, 8, 16, 32), registry=own
        )
        self.network = Histogram("farview_network_seconds", "Of one pass of the network", registry=own)
        self.live = Gauge("farview_live_connections", "Open live connections", registry=own)
        self.ended = Counter("farview_live_ended", "Ended live connections", ["reason"], registry=own)
        self.frames = Counter("farview_live_frames", "eLR frames of live connections", registry=own)

    def text(self) -> bytes:
        """The page `/metrics`."""
        return generate_latest(self._registry)
