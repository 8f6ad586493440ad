"""The bootstrap against what is known of it."""

import numpy as np
import pytest

from likewise.intervals import interval


def test_of_one_cluster_it_is_that_of_the_mean() -> None:
    values = np.random.default_rng(1).normal(3, 2, 400)
    found = interval([values])
    half = 1.96 * values.std() / 20
    assert found is not None and found.count == 400
    assert (found.mean, found.low, found.high) == pytest.approx(
        (values.mean(), values.mean() - half, values.mean() + half), abs=0.03
    )


def test_clusters_widen_it() -> None:
    """Families that differ say less of other families than their quadruples would."""
    rng = np.random.default_rng(2)
    centres = rng.normal(0, 3, 12)
    clusters = [rng.normal(centre, 0.1, 50) for centre in centres]
    together, pooled = interval(clusters), interval([np.concatenate(clusters)])
    assert together is not None and pooled is not None
    half = 1.96 * centres.std() / np.sqrt(12)
    assert (together.high - together.low) / 2 == pytest.approx(half, rel=0.1)
    assert together.high - together.low > 5 * (pooled.high - pooled.low)


def test_families_count_alike_and_gaps_are_left_out() -> None:
    found = interval([[1.0, 1.0, 1.0, float("nan")], [3.0], [float("nan")]])
    assert found is not None and found.mean == 2 and found.count == 4 and (found.low, found.high) == (1, 3)
    assert interval([[float("nan")], []]) is None


def test_it_is_the_same_every_time() -> None:
    assert interval([[1, 2, 4], [0, 5, 2]]) == interval([[1, 2, 4], [0, 5, 2]])
