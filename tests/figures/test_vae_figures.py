"""The figures of the chapter on variational autoencoders show what they were given."""

import numpy as np

from kl_lib.figures import vae


def test_a_term_is_drawn_as_mean_lowest_and_highest_run():
    runs = np.array([[3.0, 2.0, 1.0], [5.0, 3.0, 0.0]])
    above, below = vae.terms_by_epoch({"loss": runs}, {"KL": runs + 1}).axes
    for ax, values in ((above, runs), (below, runs + 1)):
        (line,), (band,) = ax.lines, ax.collections
        assert list(line.get_xdata()) == [1, 2, 3]
        np.testing.assert_allclose(line.get_ydata(), values.mean(axis=0))
        points = band.get_paths()[0].vertices
        for at in (1, 2, 3):
            here = points[points[:, 0] == at, 1]
            assert (here.min(), here.max()) == (values[:, at - 1].min(), values[:, at - 1].max())
    assert below.get_ylim()[0] == 0
    assert above.lines[0].get_color() != below.lines[0].get_color()


def test_dimensions_are_sorted_from_the_largest():
    (ax,) = vae.kl_of_dimensions({"a": [0.0, 2.0, 1.0], "b": [3.0, 0.0, 0.0]}).axes
    assert [list(line.get_ydata()) for line in ax.lines] == [[2, 1, 0], [3, 0, 0]]
    assert [line.get_label() for line in ax.lines] == ["a", "b"]


def test_images_stand_in_their_rows_and_ink_is_dark():
    images = np.zeros((3, 2, 4))
    images[1] = 1
    (first, second) = vae.drawn_images({"one": images, "two": images}).axes
    for ax, name in ((first, "one"), (second, "two")):
        assert ax.get_title(loc="left") == name
        (shown,) = ax.images
        ink = 1 - np.asarray(shown.get_array())
        np.testing.assert_array_equal(ink, np.concatenate(list(images), axis=1))
        assert shown.get_cmap().name == "gray"


def test_the_map_names_each_digit_at_its_median_and_its_lowest_row_is_below():
    rng = np.random.default_rng(0)
    labels = np.arange(50) % 10
    means = rng.normal(size=(50, 2)) + labels[:, None]
    grid = np.zeros((2, 3, 4, 4))
    grid[0, 1] = 1  # the lowest row of places, in the middle
    above, below = vae.latent_map(means, labels, grid).axes
    for text in above.texts:
        middle = np.median(means[labels == int(text.get_text())], axis=0)
        np.testing.assert_allclose(text.get_position(), middle)
    assert sorted(text.get_text() for text in above.texts) == [str(n) for n in range(10)]
    drawn = np.concatenate([np.asarray(c.get_offsets()) for c in above.collections])
    assert sorted(map(tuple, drawn)) == sorted(map(tuple, means))
    ink = 1 - np.asarray(below.images[0].get_array())
    assert ink.shape == (2 * 6, 3 * 6)
    assert np.argwhere(ink).min(axis=0).tolist() == [7, 7]
    assert np.argwhere(ink).max(axis=0).tolist() == [10, 10]
