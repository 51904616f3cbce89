"""Processes killed at random moments, alone and together."""

import multiprocessing
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from repro.records import Store
from repro.running import local

from .workers import CPU, Quiet, epochs_kept, outcome, partial, started, steps


def test_a_run_killed_at_random_moments_ends_bit_identical(tmp_path: Path, often, count):
    kills, epochs = often(5, 100), 6
    began, found = 0.0, []
    for name in ("first", "second"):  # the first one also waits for the server that processes are forked from
        began = time.monotonic()
        started(tmp_path / name, tmp_path / f"{name}-cache", 1, epochs).join()
        found.append(outcome(tmp_path / name, tmp_path / f"{name}-cache"))
    duration = time.monotonic() - began
    expected = found[0]
    assert found[1] == expected
    assert len(expected) == 1
    generator = random.Random(11)
    results, cache, heard = tmp_path / "killed", tmp_path / "killed-cache", tmp_path / "heard"
    killed = ends = resumed = 0
    while killed < kills or not resumed or not (results / "runs").is_dir():
        kept = epochs_kept(cache)
        heard.write_text("")
        process = started(results, cache, 1, epochs, None, heard)
        if killed < kills:
            process.join(generator.uniform(0, 0.7 * duration))
        elif resumed:
            process.join()
        else:  # on a machine that has slowed down all kills came before a checkpoint: this one comes behind it
            while process.is_alive() and len(heard.read_text().split()) < 2:
                time.sleep(0.01)
        if told := heard.read_text().split():
            assert int(told[0]) == kept  # it went on from there
            resumed += kept > 0
        if process.exitcode is None:
            process.kill()
            process.join()
            killed += 1
            assert outcome(results, cache) in ({}, expected)  # there may be a record already; it is whole
        else:
            assert process.exitcode == 0
            assert outcome(results, cache) == expected
            assert not partial(results, cache)
            ends += 1
            if killed < kills or not resumed:  # from the beginning
                shutil.rmtree(results)
                shutil.rmtree(cache)
    assert outcome(results, cache) == expected
    count("kills of a run at random moments, resumed to bit-identical weights and records", killed)
    count("times that the run went on from a checkpoint after them, at the epoch behind it", resumed)
    count("runs that ended between those kills, each bit-identical", ends)


def test_four_processes_on_one_plan_do_each_run_once(tmp_path: Path, often, count):
    rounds, seeds = often(1, 10), 4
    for number in range(rounds):
        folder = tmp_path / str(number)
        folder.mkdir()
        told = [folder / f"told{index}" for index in range(4)]
        processes = [started(folder / "results", folder / "cache", seeds, 1, tell) for tell in told]
        for process in processes:
            process.join()
        assert [process.exitcode for process in processes] == [0] * 4
        done = [identity for tell in told for identity in tell.read_text().split()]
        assert sorted(done) == sorted(record.identity for record in Store(folder / "results").all)
        assert len(done) == len(set(done)) == seeds
    count("runs of plans that four processes carried out at once, each done exactly once", rounds * seeds)


LONG = 40  # epochs: a run of fewer may be over before this process, on a busy machine, hears that it has begun


class Murderer(Quiet):
    """Kills the process of each of the first runs as soon as it has begun."""

    def __init__(self, victims: int):
        super().__init__()
        self.victims = victims

    def begins(self, step):
        super().begins(step)
        if self.victims:
            self.victims -= 1
            os.kill(multiprocessing.active_children()[0].pid or 0, signal.SIGKILL)


def test_the_local_launcher_takes_up_runs_whose_process_was_killed(tmp_path: Path, often, count):
    store, audience = Store(tmp_path / "results"), Murderer(2)
    # One worker at a time: that is the one killed.
    assert local.carry_out(steps(store, 3, LONG), store, tmp_path, CPU, audience, jobs=1) == 0
    assert sorted(audience.done) == sorted(record.identity for record in Store(tmp_path / "results").all)
    assert len(audience.done) == 3
    assert len(audience.begun) == 3 + 2
    count("processes of the local launcher killed, their runs taken up by others", 2)


def test_a_run_whose_process_is_killed_again_and_again_is_given_up(tmp_path: Path):
    store, audience = Store(tmp_path / "results"), Murderer(local.LOSSES)
    assert local.carry_out(steps(store, 1, LONG), store, tmp_path, CPU, audience, jobs=1) == 1
    assert audience.errors == ["its process was killed by SIGKILL 3 times; is memory short?"]
    assert Store(tmp_path / "results").all == []


@pytest.mark.usefixtures("full")
def test_torchrun_goes_on_after_a_lost_process(tmp_path: Path, count):
    """The second of two processes is killed after the first epoch; torchrun starts both again.

    On a busy machine gloo may fail to connect them, before anything of ours begins: torchrun may try several times.
    """
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--max-restarts", "5"]
    command += ["--master-port", "0", "--rdzv-backend", "c10d", "--rdzv-endpoint", "localhost:0"]
    command += ["-m", "repro", "train", "mini-squeezenet", "--budget", "smoke", "--device", "cpu", "--seeds", "1"]
    command += ["--set", "data.train_images=128", "--set", "data.pixels=16", "--set", "data.holdout=101"]
    command += ["--set", "recipe.epochs=6", "--set", "recipe.batch=16"]
    kept = {}
    for name in ("whole", "lost"):
        environment = os.environ | {"REPRO_CACHE": str(tmp_path / f"{name}-cache"), "OMP_NUM_THREADS": "1"}
        environment["PYTHONPATH"] = str(Path(__file__).parents[2])
        whole_command = [*command, "--results-dir", str(tmp_path / name)]
        told, alive = [], name == "lost"
        with subprocess.Popen(whole_command, env=environment, stderr=subprocess.PIPE, text=True) as process:
            for line in process.stderr or ():
                told.append(line)
                if alive and "epoch 2/6" in line:
                    alive = False
                    (victim,) = (pid for pid in children(process.pid) if "RANK=1" in environment_of(pid))
                    os.kill(victim, signal.SIGKILL)
        assert process.returncode == 0, "".join(told)
        kept[name] = outcome(tmp_path / name, tmp_path / f"{name}-cache")
        begins = sum(line.startswith("[1/1]") for line in told)
        assert begins == (1 if name == "whole" else 2), "".join(told)
        assert sum("epoch 1/6:" in line for line in told) == 1, "".join(told)  # it went on
    assert kept["lost"] == kept["whole"]
    count("process of a torchrun pair killed, both resumed to bit-identical weights and records", 1)


def children(parent: int) -> list[int]:
    """The processes that a process has started."""
    return [int(pid) for pid in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]


def environment_of(pid: int) -> list[str]:
    """A process's variables, `NAME=value`."""
    return Path(f"/proc/{pid}/environ").read_text().split("\0")
