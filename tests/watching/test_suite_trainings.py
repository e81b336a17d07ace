"""The suite's trainings on soft labels and of a VAE, at their smallest, in a watched block."""

import json
import subprocess
import sys

import pytest

pytest.importorskip("tensorflow")
pytest.importorskip("sklearn")

pytestmark = pytest.mark.thorough

# In a process of its own: the number of threads can be set once in each.
PROGRAM = r"""
import contextlib, json, tempfile
import numpy as np
from kl_lib.experiments.machinery.backend import start_quietly
start_quietly("tensorflow", 1)
import kl_lib as kl
from kl_lib.experiments import Arrays, Vae, load_images, run
from kl_lib.experiments.soft_labels import training
from kl_lib.experiments.soft_labels.config import SoftLabels

random = np.random.default_rng(0)
labels = np.arange(20, dtype=np.uint8) % 10
pixels = random.integers(256, size=(2, 20, 32, 32, 3), dtype=np.uint8)
counts = 40 * np.eye(10, dtype=int)[labels] + random.integers(3, size=(20, 10))
images = Arrays("noise", x_train=pixels[0], y_train=labels, x_test=pixels[1], y_test=labels,
                counts=counts)
soft = SoftLabels(seed=0, data_sha256=images.sha256, epochs=1, tuning_epochs=1, batch_size=5)
digits = load_images("digits")
vae = Vae(variant="elbo", dataset="digits", seed=0, data_sha256=digits.sha256, epochs=1,
          hidden=4, latents=2, images=5, samples=2)

def trained(config, data, block=contextlib.nullcontext()):
    training._trained.clear()
    with tempfile.TemporaryDirectory() as store, block:
        record = run(store, config, data)
    changing = ("seconds", "peak_memory")
    numbers = {**record.result, **record.history}
    return {name: value for name, value in numbers.items() if name not in changing}

answer = {}
for name, config, data in (("soft", soft, images), ("vae", vae, digits)):
    plain = trained(config, data)
    before, inside = kl.watch("record"), kl.watch("record")
    runs = [trained(config, data, before)] if name == "soft" else []  # a network is compiled once
    training._compiled.cache_clear()
    runs += [trained(config, data, inside)]
    answer[name] = {"plain": plain, "runs": runs, "before": before.to_dict(),
                    "inside": inside.to_dict(), "report": str(inside)}
print(json.dumps(answer))
"""


@pytest.fixture(scope="module")
def answer():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("name", ["soft", "vae"])
def test_its_numbers_are_the_same_to_the_last_bit(answer, name):
    found = answer[name]
    assert len(found["plain"]) > 10
    assert all(numbers == found["plain"] for numbers in found["runs"])


def test_soft_labels_traced_before_are_named(answer):
    before = answer["soft"]["before"]
    assert before["sites"] == []
    calls = {(x["call"], x["why"]) for x in before["unseen"]}
    assert calls == {("kl_lib.losses.keras.kl_loss", "traced before the block")}


def test_soft_labels_are_seen_step_by_step(answer):
    inside = answer["soft"]["inside"]
    [site] = inside["sites"]
    assert inside["unseen"] == []
    assert site["file"].endswith("soft_labels/training.py")
    assert site["calls"] == 4 + 2  # of 20 images and of their half, five at a time
    assert site["looked_at"] == 3 + 2  # of each of the two networks the first three
    assert site["findings"] == []
    assert site["gave"] == pytest.approx(site["kl"], rel=1e-5)  # rounded in float32, and exact


def test_a_vae_that_writes_its_kl_out_is_not_said_to_be_without_a_mistake(answer):
    assert answer["vae"]["inside"] == {"sites": [], "unseen": []}
    first, *rest = answer["vae"]["report"].splitlines()
    assert first == "kl_lib.watch: no call of a watched function was looked at"
    assert "kl-lib audit" in " ".join(rest)
