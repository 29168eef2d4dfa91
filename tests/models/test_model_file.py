import json
import struct
from dataclasses import replace

import pytest
import torch
from safetensors.torch import save_file

from farview.errors import FarviewError
from farview.models.contract import FORMAT
from farview.models.model_file import load_model, read_contract, save_model
from farview.models.network import ActionNetwork, NetworkConfig
from tests.models.test_contract import CONTRACT


def network_of(contract=CONTRACT) -> ActionNetwork:
    torch.manual_seed(0)
    t = contract.intervals
    network = ActionNetwork(contract.network, len(contract.classes), contract.channels, t.count, t.frames)
    clips = torch.randn(2, t.count, contract.channels, t.frames, 12, 16)
    network.train()(clips)  # statistics of BatchNorm that are not the initial ones
    return network


@pytest.mark.parametrize("backbone", ["resnet18", "r2plus1d18"])
def test_round_trip_is_bit_exact(tmp_path, backbone) -> None:
    contract = replace(CONTRACT, network=NetworkConfig(backbone, 8, "tiny"))
    network = network_of(contract)
    path = tmp_path / "new" / "model.safetensors"
    save_model(path, network, contract)
    loaded, told = load_model(path)
    assert told == contract == read_contract(path) == read_contract(str(path))
    assert not loaded.training
    assert all(p.requires_grad for p in loaded.parameters())
    assert loaded.state_dict().keys() == network.state_dict().keys()
    for key, value in network.state_dict().items():
        assert torch.equal(loaded.state_dict()[key], value), key
    clips = torch.randn(2, 4, 1, 5, 12, 16)
    assert torch.equal(loaded(clips).logits, network.eval()(clips).logits)


def test_the_same_model_gives_the_same_bytes_and_leaves_no_other_file(tmp_path) -> None:
    network = network_of()
    one, two = tmp_path / "one.safetensors", tmp_path / "two.safetensors"
    save_model(one, network, CONTRACT)
    save_model(two, network.to(memory_format=torch.channels_last_3d), CONTRACT)
    assert one.read_bytes() == two.read_bytes()
    save_model(one, network, replace(CONTRACT, accuracy={"prec1": 1.0}))
    assert read_contract(one).accuracy == {"prec1": 1.0}
    assert sorted(p.name for p in tmp_path.iterdir()) == ["one.safetensors", "two.safetensors"]


def test_loading_draws_no_random_numbers(tmp_path) -> None:
    save_model(tmp_path / "m.safetensors", network_of(), CONTRACT)
    before = torch.get_rng_state()
    load_model(tmp_path / "m.safetensors")
    assert torch.equal(torch.get_rng_state(), before)


def test_a_contract_of_another_network_is_not_written(tmp_path) -> None:
    with pytest.raises(ValueError, match="describes"):
        save_model(tmp_path / "m.safetensors", network_of(), replace(CONTRACT, classes=("a", "b")))
    assert not list(tmp_path.iterdir())


def damaged(whole: bytes, how: str) -> bytes:
    length = struct.unpack("<Q", whole[:8])[0]
    return {
        "empty": b"",
        "text": b"not a model at all",
        "cut in the header": whole[: 8 + length // 2],
        "cut in the weights": whole[:-100],
        "header too long": struct.pack("<Q", 2**62) + whole[8:],
        "header no JSON": whole[:8] + b"x" * length + whole[8 + length :],
    }[how]


@pytest.mark.parametrize(
    "how", ["empty", "text", "cut in the header", "cut in the weights", "header too long", "header no JSON"]
)
def test_a_damaged_file_is_refused_by_name(tmp_path, how) -> None:
    path = tmp_path / "model.safetensors"
    save_model(path, network_of(), CONTRACT)
    path.write_bytes(damaged(path.read_bytes(), how))
    for read in (read_contract, load_model):
        with pytest.raises(
            FarviewError, match=r"model\.safetensors: not a whole \.safetensors file"
        ) as caught:
            read(path)
        assert "\n" not in str(caught.value)


def test_a_missing_foreign_or_newer_file_is_refused_by_name(tmp_path) -> None:
    with pytest.raises(FarviewError, match=r"gone\.safetensors: no such model"):
        read_contract(tmp_path / "gone.safetensors")
    with pytest.raises(FarviewError, match="no such model"):
        load_model(tmp_path)  # a folder
    foreign, newer = tmp_path / "foreign.safetensors", tmp_path / "newer.safetensors"
    save_file({"weight": torch.zeros(2)}, foreign, metadata={"format": "pt"})
    with pytest.raises(FarviewError, match=r"foreign\.safetensors: .*not a Farview model"):
        read_contract(foreign)
    values = json.loads(CONTRACT.to_json()) | {"format": FORMAT + 1}
    save_file({"weight": torch.zeros(2)}, newer, metadata={"farview": json.dumps(values)})
    with pytest.raises(FarviewError, match=r"newer\.safetensors: .*upgrade farview"):
        load_model(newer)


def test_weights_that_do_not_fit_their_metadata_are_refused(tmp_path) -> None:
    path = tmp_path / "odd.safetensors"
    save_file({"weight": torch.zeros(2)}, path, metadata={"farview": CONTRACT.to_json()})
    with pytest.raises(FarviewError, match=r"odd\.safetensors: the weights do not fit"):
        load_model(path)
