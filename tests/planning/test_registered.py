"""Claims whose experiments are still to come are sound, and no claim is there twice."""

from collections import Counter

from repro.config.claims import Claim
from repro.config.specification import Spec
from repro.planning import experiments


class Registered(Spec, frozen=True):
    claims: tuple[Claim, ...]


def test_no_claim_is_there_twice_and_every_registered_file_loads():
    ahead = {p.stem: experiments.decode(p, Registered) for p in (experiments.folder() / "registered").glob("*.toml")}
    written = {experiment.name: experiment.claims for experiment in experiments.everything()}
    assert not set(ahead) & set(written)
    ids = [claim.id for claims in written.values() for claim in claims]
    ids += [claim.id for file in ahead.values() for claim in file.claims]
    assert [name for name, count in Counter(ids).items() if count > 1] == []
    assert len(ids) >= 60
