"""The experiment that trains in a second, and a store with runs of it."""

import pytest
from calling import TOY

from kl_lib import experiments


@pytest.fixture
def toy():
    return experiments.find_experiment(TOY).experiment


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """Twelve runs: three seeds of two losses and two lengths."""
    store = tmp_path_factory.mktemp("store")
    toy, choices = experiments.find_experiment(TOY).experiment, {"loss": ["kl", "ce"], "pause": 0}
    for config in experiments.all_configs(toy, seeds=range(3), epochs=[2, 3], **choices):
        experiments.run(store, config, toy.load())
    return store


@pytest.fixture
def store(made, tmp_path):
    """A copy of them, to be changed."""
    (tmp_path / "toy").mkdir()
    for path in made.glob("toy/*.json"):
        (tmp_path / "toy" / path.name).write_bytes(path.read_bytes())
    return tmp_path
