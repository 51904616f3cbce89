"""No claim is there twice."""

from collections import Counter

from repro.planning import experiments


def test_no_claim_is_there_twice():
    ids = [claim.id for experiment in experiments.everything() for claim in experiment.claims]
    assert [name for name, count in Counter(ids).items() if count > 1] == []
    assert len(ids) >= 60
