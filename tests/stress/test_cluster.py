"""Two Ray nodes on this machine carry out a plan while one of them is lost."""

import threading
import time
from pathlib import Path
from typing import Any

import pytest

from repro.errors import BadInput
from repro.records import Store
from repro.running import cluster, worker

from .workers import CPU, Quiet, outcome, steps

SEEDS, EPOCHS = 4, 20


def expected(folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict:
    """What the plan leaves when this process carries it out."""
    monkeypatch.setenv("REPRO_CACHE", str(folder / "cache"))
    store = Store(folder / "results")
    worker.carry_out(steps(store, SEEDS, EPOCHS), store, folder, CPU, Quiet())
    return outcome(folder / "results", folder / "cache")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.usefixtures("full")
@pytest.mark.parametrize("storage", ["shared", "apart"])
def test_a_plan_survives_the_loss_of_a_node(tmp_path: Path, storage: str, count, monkeypatch: pytest.MonkeyPatch):
    cluster_utils = pytest.importorskip("ray.cluster_utils", reason="the ray extra is not installed")
    whole = expected(tmp_path / "whole", monkeypatch)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    monkeypatch.setenv("REPRO_CACHE", str(tmp_path / "home"))

    def node(name: str) -> Any:
        place = tmp_path / ("shared" if storage == "shared" else name)
        return nodes.add_node(num_cpus=1, env_vars={"REPRO_CACHE": str(place)}, object_store_memory=10**8)

    # Ray's processes are no less urgent than others: on a busy machine the test would wait for hours.
    head = {"num_cpus": 0, "include_dashboard": False, "_system_config": {"worker_niceness": 0}}
    nodes = cluster_utils.Cluster(initialize_head=True, head_node_args=head)
    try:
        node("first")
        second = node("second")
        lost: list[int] = []

        def lose() -> None:
            """Take the second node away once each of two runs has a checkpoint."""
            places = [tmp_path / name for name in ("shared", "first", "second")]
            while len(begun := [path for place in places for path in place.glob("checkpoints/*.pt")]) < 2:
                time.sleep(0.05)
            lost.append(len(begun))
            nodes.remove_node(second, allow_graceful=False)

        watcher = threading.Thread(target=lose, daemon=True)
        watcher.start()
        store, audience = Store(tmp_path / "results"), Quiet()
        plan = steps(store, SEEDS, EPOCHS)
        failures = cluster.carry_out(plan, store, tmp_path, "cpu", audience, address=nodes.address)
        assert lost, "the plan was over before a node was lost"
        assert (failures, audience.errors) == (0, [])
        assert sorted(audience.done) == sorted(whole)
        assert outcome(tmp_path / "results", tmp_path / "home") == whole
    finally:
        nodes.shutdown()
    count(f"runs of a plan on two Ray nodes, storage {storage}, one node killed: each done once, bit-identical", SEEDS)


def test_a_machine_with_other_code_refuses(tmp_path: Path):
    (step,) = steps(Store(tmp_path), 1)
    home = cluster.on_machine("repro 0, numerics 0", step, str(tmp_path), "cpu")
    assert home.record is None
    assert "the plan is of repro 0, numerics 0" in home.reason


def test_what_a_machine_does_comes_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The task itself, without Ray: record, history and weights, and nothing left on the machine but weights."""
    whole = tmp_path / "whole"
    monkeypatch.setenv("REPRO_CACHE", str(whole / "cache"))
    store = Store(whole / "results")
    (step,) = steps(store, 1, 1, "notebook-mlp")
    worker.carry_out([step], store, whole, CPU, Quiet())
    monkeypatch.setenv("REPRO_CACHE", str(tmp_path / "machine"))
    home = cluster.on_machine(cluster.CODE, step, str(tmp_path), "cpu")
    assert home.record is not None, home.reason
    monkeypatch.setenv("REPRO_CACHE", str(tmp_path / "home"))
    cluster.keep(home, home.record, Store(tmp_path / "results"))
    assert outcome(tmp_path / "results", tmp_path / "home") == outcome(whole / "results", whole / "cache")
    assert not list((tmp_path / "machine" / "checkpoints").glob("*"))


@pytest.mark.usefixtures("full")
def test_a_cluster_that_is_not_there_is_one_line(tmp_path: Path):
    pytest.importorskip("ray", reason="the ray extra is not installed")
    with pytest.raises(BadInput, match=r"no Ray cluster at 127\.0\.0\.1:9") as caught:
        cluster.carry_out([], Store(tmp_path), tmp_path, "cpu", Quiet(), address="127.0.0.1:9")
    assert "\n" not in str(caught.value)
