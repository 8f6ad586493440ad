"""The statistics that name a basis element: a lift that is there is found, an even share has no name."""

import numpy as np

from likewise.data.families import FAMILIES
from likewise.elements import findings


def test_only_a_real_lift_gives_a_name() -> None:
    rng = np.random.default_rng(0)
    names = list(FAMILIES)
    share = 1 + 0.1 * rng.random((len(names), 3))
    drawn = [k for k, name in enumerate(names) if FAMILIES[name].group == "drawing"]
    share[drawn, 0] *= 3
    # One family alone is no group.
    share[names.index("rain"), 1] *= 20
    found = findings(names, share / share.sum(1, keepdims=True), seed=1)
    assert found[0].name is not None and found[0].name.startswith("drawing (") and found[0].low > 1
    assert found[1].lift > 1 and found[1].name is None
    assert found[2].name is None
