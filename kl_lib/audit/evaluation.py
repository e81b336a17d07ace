"""How good the rules are on call sites that people have judged."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

#: Which rules are about which class of the judged sites.
CLASSES: dict[str, tuple[str, ...]] = {
    "probs_in_log": ("KLD101", "KLD104", "KLD105"),
    "log_target_mismatch": ("KLD102", "KLD103"),
    "logits_in": ("KLD109",),
    "keras_logits": ("KLD109",),
    "bernoulli_incomplete": ("KLD107",),
    "shape": ("KLD141",),
    "mean_reduction": ("KLD111", "KLD112", "KLD113", "KLD152"),
    "batchmean_axis": ("KLD115", "KLD116"),
    "missing_dim": ("KLD117",),
    "js_swapped": ("KLD121",),
    "js_distance": ("KLD131",),
    "keras_from_logits": ("KLD161",),
    "vae_logvar_mix": ("KLD171",),
    "vae_sign": ("KLD172",),
    "vae_mean_recon_sum": ("KLD173",),
    "vae_factor": ("KLD174", "KLD175"),
    "vae_mean": ("KLD176",),
    "event_dim_mean": ("KLD176",),
    "hist_bins": ("KLD181",),
    "hist_range": ("KLD182",),
    "support_drop": ("KLD183",),
    "alignment": ("KLD184",),
    "eps_no_renorm": ("KLD185",),
    "hide": ("KLD191", "KLD192"),
    "scipy_axis": ("KLD201",),
    "missing_T2": ("KLD211",),
    "detach": ("KLD212",),
    "direction": ("KLD213",),
}


@dataclass
class Score:
    """What the rules make of the sites of one class.

    Attributes
    ----------
    name
        The class of the sites.
    sites
        How many there are.
    found
        Ids of those flagged by a rule of the class.
    flagged
        Ids of those flagged by any rule.
    codes
        What was found at each site.
    """

    name: str
    sites: int = 0
    found: list[str] = field(default_factory=list)
    flagged: list[str] = field(default_factory=list)
    codes: dict[str, list[str]] = field(default_factory=dict)


def scores(
    sites: str | os.PathLike[str] | Iterable[Mapping[str, Any]], **options: Any
) -> dict[str, Score]:
    """Audit judged call sites, and count by class what is found.

    Parameters
    ----------
    sites
        Objects with `id`, `label`, `class` and `snippet`, or a file with one such in each line of
        JSON. Sites labelled ``"correct"`` make the class ``"ok"``.
    options
        `select`, `ignore` and `extend_select` of `audit`.

    Examples
    --------
    >>> from kl_lib.audit import scores
    >>> text = "import torch.nn.functional as F\\nF.kl_div(a.log_softmax(-1), b)"
    >>> site = {"id": "1", "label": "wrong", "class": "mean_reduction", "snippet": text}
    >>> scores([site])["mean_reduction"].found
    ['1']
    """
    from .running import audit_source

    if isinstance(sites, str | os.PathLike):
        lines = Path(sites).read_text("utf-8").splitlines()
        sites = [json.loads(line) for line in lines if line.strip()]
    found: dict[str, Score] = {}
    for site in sites:
        name = str(site["class"])
        score = found.setdefault(name, Score(name))
        score.sites += 1
        key = str(site["id"])
        codes = sorted({one.code for one in audit_source(str(site["snippet"]), **options)})
        if codes:
            score.flagged.append(key)
            score.codes[key] = codes
        if {*codes} & {*CLASSES.get(name, ())}:
            score.found.append(key)
    return found
