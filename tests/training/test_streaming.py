"""Training on photographs that stay on disk: stopped and resumed, it ends where it would have ended."""

import pytest
import torch

from repro import data
from repro.config.specification import Data, Model, Recipe, Run
from repro.data import streaming
from repro.data.augment import Pipeline
from repro.data.catalogue import moments
from repro.running.classification import caffe
from repro.training.checkpoint import Checkpoint
from repro.training.loop import train

RUN = Run(
    model=Model(name="squeezenet", options={"classes": 10, "stem": "cifar"}),
    data=Data(name="imagenet", pixels=32, cut="caffe", normalisation="caffe"),
    recipe=Recipe(batch=4, epochs=3, steps=2, learning_rate=1e-3, flip=True),
)
CPU = torch.device("cpu")


class Stop(Exception):
    pass


def test_resumed_training_is_bit_identical_and_top_5_is_counted(root, tmp_path, monkeypatch):
    dataset = data.load(RUN.data, root)
    record, history, whole = train(RUN, dataset, ("described",), CPU, Checkpoint(tmp_path / "a.pt"))
    assert sum(record.measurements["described"].total) == 4
    assert record.measurements["described"].top5 is not None

    def stop(epoch: int, *_: object) -> None:
        if epoch == 1:
            raise Stop

    with pytest.raises(Stop):
        train(RUN, dataset, ("described",), CPU, Checkpoint(tmp_path / "b.pt"), watch=stop)
    monkeypatch.setattr(streaming, "worker_count", lambda: 2)
    epochs = []
    again, others, resumed = train(
        RUN, dataset, ("described",), CPU, Checkpoint(tmp_path / "b.pt"), lambda epoch, *_: epochs.append(epoch)
    )
    assert epochs[0] == 1
    assert again.measurements == record.measurements
    assert [epoch.train_loss for epoch in others] == [epoch.train_loss for epoch in history]
    for name, tensor in whole.state_dict().items():
        assert torch.equal(resumed.state_dict()[name], tensor), name


def test_damaged_photographs_stand_in_the_record(root, tmp_path):
    (root / "imagenet/train/n01440764/train_0.JPEG").write_bytes(b"no photograph")
    record, _, _ = train(RUN, data.load(RUN.data, root), ("described",), CPU, Checkpoint(tmp_path / "a.pt"))
    assert record.environment["replaced"] == ["train/n01440764/train_0.JPEG"]


def test_caffes_normalisation_is_blue_first_less_the_means():
    images = torch.randint(0, 256, (2, 3, 8, 8), dtype=torch.uint8)
    pipeline = Pipeline(8, 3, *moments("caffe", (0.5,) * 3, (0.5,) * 3), reverse=True)
    torch.testing.assert_close(pipeline(images), caffe(images), atol=1e-4, rtol=0)
    assert pipeline(images).is_contiguous(memory_format=torch.channels_last)
