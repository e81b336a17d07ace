"""Half of a Bernoulli KL is a mistake only where the other half is nowhere in the block."""

from __future__ import annotations

import numpy as np
import pytest
from test_watch_rules import TORCH, seen

from kl_lib.watching import WatchError, WatchWarning
from kl_lib.watching.session import Watch


def halves(step=0.0):
    """Both looks: of the chances of a yes, and of what is left of them."""
    p, q = np.random.default_rng(5).uniform(0.3, 0.7, size=(2, 8, 5))
    p, q = p + step, q - step
    first, second = (seen(a, np.log(b), **TORCH) for a, b in ((p, q), (1 - p, 1 - q)))
    assert [finding.code for look in (first, second) for finding in look.findings] == [107, 107]
    return first, second


def taken(*looks, on="record"):
    """What a block says of looks, each with the line that it comes from."""
    watch = Watch(on, first=5, every=100)
    with watch:
        for line, look in looks:
            site = watch.site("kl_div", ("program.py", line, 1))
            watch.called(site)
            watch.add(site, look)
            assert site.codes == ()  # nothing is known yet
    return [site.codes for site in watch.sites]


def test_both_halves_at_one_line_or_at_two_are_clean():
    first, second = halves()
    assert taken((1, first), (1, second)) == [()]
    assert taken((1, first), (2, second)) == [(), ()]


def test_both_halves_in_many_steps_are_clean_also_if_the_last_look_sees_one_alone():
    steps = [(line, look) for i in range(3) for line, look in enumerate(halves(0.05 * i))]
    assert taken(*steps) == [(), ()]
    assert taken(*((1, look) for _, look in steps[:5])) == [()]


@pytest.mark.parametrize("steps", [1, 3])
def test_one_half_alone_is_found_with_how_often(steps):
    looks = [(1, halves(0.05 * i)[0]) for i in range(steps)]
    watch = Watch("record", first=5, every=100)
    with watch:
        site = watch.site("kl_div", ("program.py", 1, 1))
        for _, look in looks:
            watch.called(site)
            watch.add(site, look)
    assert site.codes == (107,)
    assert (site.times[107], site.looked_at) == (steps, steps)


def test_a_half_of_something_else_is_no_other_half():
    p, q = np.random.default_rng(3).uniform(0.3, 0.7, size=(2, 8, 5))
    other = seen(p, np.log(q), **TORCH)
    assert taken((1, halves()[0]), (2, other)) == [(107,), (107,)]


def test_what_only_the_end_can_tell_is_raised_or_warned_of_there():
    first, second = halves()
    with pytest.raises(WatchError, match="KLD107"):
        taken((1, first), on="raise")
    with pytest.warns(WatchWarning, match="KLD107"):
        taken((1, first), on="warn")
    taken((1, first), (1, second), on="raise")
