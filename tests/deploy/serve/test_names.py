"""Which address is printed, and of which names the certificate is good."""

import socket

import pytest

from farview.deploy.serve import names as module
from farview.deploy.serve.names import names, reachable


def test_what_stands_for_every_network_is_no_name() -> None:
    assert {"localhost", "127.0.0.1", "192.0.2.7"} <= set(names("192.0.2.7"))
    assert not {"0.0.0.0", "::"} & {*names("0.0.0.0"), *names("::")}


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "192.0.2.7", "camera.example"])
def test_one_host_is_asked_for_as_it_is_called(host: str) -> None:
    assert reachable(host) == host


@pytest.mark.parametrize(
    ("found", "four", "six"),
    [
        (["192.0.2.7", "2001:db8::7"], "192.0.2.7", "2001:db8::7"),
        (["2001:db8::7"], socket.gethostname(), "2001:db8::7"),
        (["192.0.2.7"], "192.0.2.7", socket.gethostname()),
    ],
)
def test_every_network_is_asked_for_by_an_address_of_its_kind(
    monkeypatch: pytest.MonkeyPatch, found: list[str], four: str, six: str
) -> None:
    monkeypatch.setattr(module, "addresses", lambda: found)
    assert (reachable("0.0.0.0"), reachable("::")) == (four, six)
    assert {four, six} <= {*names("0.0.0.0")}
