"""The chapter on errors in the wild: its labels are measured, recordings and kl_div hold."""

import json
import re
from importlib.metadata import PackageNotFoundError, version

import call_sites
import numpy as np
import pytest
from building import REPOSITORY
from call_sites import measure
from scipy.spatial.distance import jensenshannon
from scipy.special import log_softmax, rel_entr, softmax, xlogy
from scipy.stats import binom, entropy
from thorough import first_of

import kl_lib as kl

CHAPTER = (REPOSITORY / "notebooks" / "19_errors_in_the_wild.md").read_text("utf-8")
SITES = call_sites.read()
RIGHT = [site for site in SITES if site.mistake == "none"]
WRONG = [site for site in SITES if site.mistake != "none"]
RECORDED = json.loads(measure.RECORD.read_text("utf-8"))


def named(site):
    return site.name


def installed(library):
    try:
        return version(library)
    except PackageNotFoundError:
        return None


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("site", SITES, ids=named)
def test_a_site_is_right_if_and_only_if_no_mistake_is_named(site):
    if not measure.runs_here(site) and site.name not in RECORDED["values"]:
        pytest.skip(f"{site.library} is not installed")
    (value,) = measure.measured([site]).values()
    assert measure.agrees(value, measure.truth(site)) == (site.mistake == "none")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("site", [s for s in SITES if s.library in ("torch", "optax")], ids=named)
def test_what_is_recorded_is_what_the_library_gives(site):
    pytest.importorskip(site.library)
    recorded = RECORDED["values"][site.name]
    np.testing.assert_allclose(measure.run(site), recorded, rtol=1e-5, atol=1e-9)
    assert measure.watch(site) == RECORDED["watched"][site.name]
    if site.mends:
        mended = measure.run(call_sites.mended(site))
        np.testing.assert_allclose(mended, RECORDED["mended"][site.name], rtol=1e-5)


def test_the_recording_has_the_sites_that_need_it_and_no_other():
    assert set(RECORDED["values"]) == {s.name for s in SITES if s.library in ("torch", "optax")}
    assert set(RECORDED["libraries"]) == {"torch", "optax"}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("site", first_of(WRONG, keep=8), ids=named)
def test_a_mended_site_gives_what_it_promises_and_is_not_reported(site):
    if site.name == "numpy-samples-as-probabilities":
        assert not site.mends  # no line makes probabilities of samples
        return
    pytest.importorskip("libcst")
    if not measure.runs_here(site) and site.name not in RECORDED["mended"]:
        pytest.skip(f"{site.library} is not installed")
    (value,) = measure.mended_values([site]).values()
    wanted = measure.truth(site)
    assert measure.agrees(value, wanted)
    mended = call_sites.mended(site)
    assert not call_sites.codes_in(mended.code)
    if measure.runs_here(site) and np.isfinite(wanted):
        assert measure.watch(mended) == []


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("site", first_of(RIGHT, keep=8), ids=named)
def test_a_right_site_is_reported_by_neither_tool(site):
    pytest.importorskip("libcst")
    assert not call_sites.codes_in(site.code)
    if measure.runs_here(site) or site.name in RECORDED["watched"]:
        assert measure.watched([site]) == {site.name: []}


def test_names_are_unique_and_every_mistake_says_who_finds_it():
    assert len({site.name for site in SITES}) == len(SITES)
    for site in SITES:
        if site.mistake != "none":
            assert bool(site.codes) != bool(site.beyond), site.name


def test_a_label_that_is_wrong_would_be_seen():
    right = next(site for site in SITES if site.name == "scipy-rel-entr")
    wrong = right._replace(code=right.code.replace("rel_entr(p, q)", "rel_entr(q, p)"))
    assert measure.agrees(measure.run(right), measure.truth(right))
    assert not measure.agrees(measure.run(wrong), measure.truth(wrong))


def test_the_chapters_kl_div_is_pytorchs():
    torch = pytest.importorskip("torch")
    names = {"np": np, "xlogy": xlogy}
    (code,) = re.findall(r"ipython3\n(def kl_div\(.*?)```", CHAPTER, re.S)
    exec(code, names)
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 6, 5))
    pairs = {
        False: [
            (log_softmax(a, 1), softmax(b, 1)),
            (softmax(a, 1), softmax(b, 1)),
            (softmax(a, 1), log_softmax(b, 1)),  # nan
            (a, np.where(b > 0, b, 0)),  # zeros in the target
            (a[0], np.abs(b[0])),
        ],
        True: [(log_softmax(a, 1), log_softmax(b, 1)), (a, b)],
    }
    for log_target, several in pairs.items():
        for one in several:
            tensors = [torch.from_numpy(x) for x in one]
            for reduction in ("mean", "batchmean", "sum", "none"):
                options = {"reduction": reduction, "log_target": log_target}
                theirs = torch.nn.functional.kl_div(*tensors, **options).numpy()
                np.testing.assert_allclose(names["kl_div"](*one, **options), theirs, rtol=1e-12)


def block(first_word):
    """The Python block under "In your code" whose comment begins with a word."""
    section = re.search(r"^## In your code$(.*?)^## ", CHAPTER, re.M | re.S)[1]
    (found,) = re.findall(rf"```python\n(# {first_word}.*?)```", section, re.S)
    return found


def test_the_lines_for_watch_run():
    rows = np.array([[0.9, 0.1], [0.5, 0.5], [0.2, 0.8]])
    names = {"compute": lambda: entropy(rows, rows[::-1])}
    exec(block("any"), names)
    assert [finding.code for finding in names["mistakes"]] == [201]


RIGHT = {
    "kl_lib": kl.kl_divergence,
    "SciPy": lambda p, q: rel_entr(p, q).sum(axis=-1),
    "in batches": lambda p, q: (p * np.log(p / q)).sum() / len(p),
}
WRONG = {
    "mean": lambda p, q: (p * np.log(p / q)).mean(),
    "sum": lambda p, q: (p * np.log(p / q)).sum(),
    "first axis": lambda p, q: (p * np.log(p / q)).sum() / p.shape[1],
    "swapped": lambda p, q: kl.kl_divergence(q, p),
    "no log": lambda p, q: (p * (np.log(p) - q)).sum(axis=-1),
    "two logs": lambda p, q: kl.kl_divergence(p, kl.softmax(q)),
    "bits": lambda p, q: kl.kl_divergence(p, q, base=2),
    "columns": lambda p, q: entropy(p, q),
    "distance": lambda p, q: jensenshannon(p, q, axis=-1),
    "JS": kl.js_divergence,
    "symmetric": lambda p, q: (kl.kl_divergence(p, q) + kl.kl_divergence(q, p)) / 2,
    "sign": lambda p, q: -kl.kl_divergence(p, q),
}


@pytest.mark.parametrize("name", [*RIGHT, *WRONG])
def test_three_pairs_tell_right_from_wrong(name):
    names = {"divergence": {**RIGHT, **WRONG}[name]}
    exec(block("NumPy"), names)
    assert names["works"] == (name in RIGHT)


LABELS = ("wrong", "suspicious", "correct", "unknown")
COUNTED = ("torch-two-mistakes", "torch-textbook")
PUBLIC = json.loads((REPOSITORY / "results" / "audit" / "public.json").read_text("utf-8"))


def test_what_is_recorded_of_the_public_sites_are_counts():
    def leaves(value):
        if isinstance(value, dict):
            for one in value.values():
                yield from leaves(one)
        else:
            yield value

    checksum = PUBLIC["sha256"]
    assert re.fullmatch("[0-9a-f]{64}", checksum)
    assert all(isinstance(one, int) for one in leaves(PUBLIC) if one != checksum)
    assert sum(PUBLIC["labels"].values()) == PUBLIC["sites"]
    assert all(PUBLIC["reported"][label] <= PUBLIC["labels"][label] for label in PUBLIC["reported"])
    by_class = [sum(one.get(label, 0) for one in PUBLIC["classes"].values()) for label in LABELS]
    assert by_class == [PUBLIC["labels"][label] for label in LABELS]


def test_sites_of_a_file_are_counted():
    pytest.importorskip("libcst")
    import audit_score

    wrong, right = (next(s.code for s in SITES if s.name == name) for name in COUNTED)
    rows = [
        {"id": "d089", "label": "wrong", "class": "probs_in_log", "snippet": wrong},
        {"id": "d053", "label": "wrong", "class": "probs_in_log", "snippet": right},
        {"id": "d085", "label": "correct", "class": "ok", "snippet": right},
    ]
    found = audit_score.counts(rows)
    assert found["reported"] == {"wrong": 1}
    nothing = {"other": 0, "false": 0}
    assert found["rules"]["KLD101"] == {"right": 1, "missed": 1, **nothing}
    assert found["rules"]["KLD111"] == {"right": 1, "missed": 1, **nothing}
    assert found["classes"]["probs_in_log"] == {"wrong": 2, "reported": 1}


def test_a_false_alarm_is_told_from_another_mistake():
    clean = ["right"]
    found = {"right": ["KLD101"], "wrong": ["KLD101", "KLD111"]}
    scores = call_sites.score({"wrong": ["KLD111"], "right": []}, found, clean)
    assert scores["KLD101"] == call_sites.Score(right=0, other=1, false=1, missed=0)
    assert scores["KLD111"] == call_sites.Score(right=1, other=0, false=0, missed=0)


@pytest.mark.parametrize(("hits", "trials"), [(0, 42), (15, 84), (3, 3), (34, 42)])
def test_the_interval_is_that_of_clopper_and_pearson(hits, trials):
    low, high = call_sites.interval(hits, trials)
    if hits:
        assert binom.sf(hits - 1, trials, low) == pytest.approx(0.025)
    if hits < trials:
        assert binom.cdf(hits, trials, high) == pytest.approx(0.025)
    assert low == (0 if hits == 0 else low)
    assert high == (1 if hits == trials else high)


def test_the_mend_of_a_site_stands_in_it_once():
    site = next(s for s in SITES if s.mends)
    with pytest.raises(ValueError, match="stands in it 0 times"):
        call_sites.mended(site._replace(mends=(("not there", "x"),)))
