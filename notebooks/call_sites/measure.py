"""What each site gives on the same small inputs, and what it should give, by other code.

Sites in PyTorch and optax run where those are installed. The book's environment has neither, so

    cd notebooks && python -m call_sites.measure

enters what they give there into `results/audit/sites.json`, which `measured` reads.
"""

from __future__ import annotations

import functools
import importlib
import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import kl_lib as kl
from call_sites import Site, mended, read

RECORD = Path(__file__).resolve().parents[2] / "results" / "audit" / "sites.json"
NEEDS = {"tfp": "tensorflow_probability"}  # where the module has another name


class Model:
    """Something with a `predict`, as scikit-learn and Keras have it."""

    def predict(self, inputs: np.ndarray) -> np.ndarray:
        return kl.softmax(inputs)


def inputs() -> dict[str, Any]:
    """Logits, probabilities, samples, counts and a posterior, the same for every site."""
    rng = np.random.default_rng(0)
    s, t = 1.5 * rng.normal(size=(2, 6, 5))
    logp, logref = np.log(kl.softmax(rng.normal(size=(2, 7))))
    joint = rng.random((3, 4))
    logvar = rng.normal(size=(6, 3)) - 1
    image_s, image_t = rng.normal(size=(2, 2, 3, 4, 4))
    return {
        "s": s,
        "t": t,
        "p": kl.softmax(t),
        "q": kl.softmax(s),
        "image_s": image_s,
        "image_t": image_t,
        "logp": logp,
        "logref": logref,
        "mu": rng.normal(size=(6, 3)),
        "logvar": logvar,
        "log_std": logvar / 2,
        "log_sigma": logvar / 2,
        "sigma": np.exp(logvar / 2),
        "x": rng.normal(0, 1, 300),
        "y": rng.normal(0.5, 1.2, 250),
        "counts": np.array([4.0, 1, 9, 3, 4]),
        "rates": np.array([5.0, 2, 1, 6, 7]),
        "with_zero": np.array([0.5, 0.3, 0.2, 0]),
        "without_zero": np.array([0.4, 0.3, 0.2, 0.1]),
        "joint": joint / joint.sum(),
    }


def _histogram_kl(x: np.ndarray, y: np.ndarray) -> float:
    edges = np.linspace(min(x.min(), y.min()), max(x.max(), y.max()), 9)
    places = [np.clip(np.searchsorted(edges, z, "right") - 1, 0, 7) for z in (x, y)]
    p, q = (np.bincount(place, minlength=8) + 0.5 for place in places)
    return float(kl.kl_divergence(p, q, normalize=True))


#: What the `truth` of a site may use: `kl_lib`, and no line of any site.
TRUTHS: dict[str, Callable[..., Any]] = {
    "kl": kl.kl_divergence,
    "js": kl.js_divergence,
    "softmax": kl.softmax,
    "channels_last": lambda image: kl.softmax(np.moveaxis(image, 1, -1)),
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "bernoulli": kl.kl_bernoulli,
    "gaussian": lambda mu, logvar: kl.kl_normal(mu, np.exp(logvar / 2), 0, 1).sum(-1),
    "beta": kl.kl_beta,
    "poisson": lambda counts, rates: kl.kl_poisson(counts, rates).sum(),
    "mutual": kl.mutual_information,
    "histogram_kl": _histogram_kl,
}


def runs_here(site: Site) -> bool:
    """Whether the library that a site needs is installed."""
    return _imports(NEEDS.get(site.library, site.library))


@functools.cache
def _imports(module: str) -> bool:
    try:
        importlib.import_module(module)
    except ImportError:
        return False
    return True


def run(site: Site) -> float | list[float] | str:
    """What a site gives: a number, several, or the name of the error that it raises."""
    names: dict[str, Any] = {"np": np, "Model": Model, **_for_library(site.library)}
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # deprecations are part of what the sites show
        try:
            exec(site.code, names)
            return np.asarray(eval(site.call, names), float).tolist()
        except (AttributeError, TypeError) as error:
            return type(error).__name__


def _for_library(library: str) -> dict[str, Any]:
    given = inputs()
    if library == "torch":
        import torch

        return {name: torch.from_numpy(value) for name, value in given.items()}
    if library in ("keras", "optax"):
        return {name: value.astype("float32") for name, value in given.items()}
    return given


def truth(site: Site) -> float | list[float]:
    """What the site should give."""
    return np.asarray(eval(site.truth, {"np": np, **TRUTHS, **inputs()}), float).tolist()


def agrees(value: float | list[float] | str, wanted: float | list[float]) -> bool:
    """Whether a site gives what it should, to five digits."""
    return not isinstance(value, str) and np.allclose(value, wanted, rtol=2e-5, atol=1e-7)


def measured(sites: list[Site]) -> dict[str, float | list[float] | str]:
    """What every site gives: run here where its library is installed, recorded otherwise."""
    return {
        site.name: run(site) if runs_here(site) else _recorded("values")[site.name]
        for site in sites
    }


def mended_values(sites: list[Site]) -> dict[str, float | list[float] | str]:
    """What every site with a mend gives when it is mended."""
    return {
        site.name: run(mended(site)) if runs_here(site) else _recorded("mended")[site.name]
        for site in sites
        if site.mends
    }


def watch(site: Site) -> list[int]:
    """The codes of the mistakes that `kl_lib.watch` reports when a site runs."""
    with kl.watch(on="record") as seen:
        run(site)
    return sorted(
        {
            finding.code
            for place in seen.mistakes
            for finding in place.findings
            if finding.level == "mistake"
        }
    )


def watched(sites: list[Site]) -> dict[str, list[int]]:
    """What `kl_lib.watch` reports of each site, recorded where its library is not installed."""
    return {
        site.name: watch(site) if runs_here(site) else _recorded("watched")[site.name]
        for site in sites
    }


def _recorded(what: str) -> dict[str, Any]:
    return json.loads(RECORD.read_text("utf-8"))[what]


def _record() -> None:
    from importlib.metadata import version

    record: dict[str, Any] = {"libraries": {}, "values": {}, "mended": {}, "watched": {}}
    if RECORD.exists():
        record.update(json.loads(RECORD.read_text("utf-8")))
    for site in read():
        if site.library in ("torch", "optax") and runs_here(site):
            record["libraries"][site.library] = version(site.library)
            record["values"][site.name] = run(site)
            record["watched"][site.name] = watch(site)
            if site.mends:
                record["mended"][site.name] = run(mended(site))
    RECORD.parent.mkdir(exist_ok=True)
    RECORD.write_text(json.dumps(record, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    _record()
    print(f"wrote {RECORD.name}")
