"""How well `kl-lib audit` does on a file of labelled call sites that this project does not contain.

    PYTHONPATH=notebooks python tools/audit_score.py --data FILE.jsonl

Each line of the file is an object with `id`, `label` (wrong, suspicious, correct, unknown), `class`
and `snippet`. What is written to results/audit/public.json are counts and the file's checksum, no
line of code. The labels were read twice: `SECOND` has the sites where the second reader, who had
not seen the audit's findings, came to another label, and `WANTED` what the rules ought to report,
also by that reader. Rules that came later, 109, 116, 141, 174, 175, 182, 184 and 192, got their
sites when they came.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections import Counter
from pathlib import Path
from typing import Any

from call_sites import codes_in, score

from kl_lib.audit import RULES

RECORD = Path(__file__).parents[1] / "results" / "audit" / "public.json"

SECOND = {
    "d002": "wrong",  # a last layer without activation: its loss is that of clipped logits
    "d006": "unknown",  # rows laid end to end are fine if they were distributions; nothing says not
    "d018": "suspicious",  # a constant is added and not normalised away, as in d007
    "d021": "suspicious",  # rates below 0, whose divergence is infinite, are left out
    "d034": "suspicious",  # a figure for a log: nothing says which direction was wanted
    "d050": "unknown",  # right if the caller passes logs, which the snippet does not show
    "d056": "unknown",  # right where the constant is one over the number of categories
    "d060": "suspicious",  # the value is right; whether the target moves is a choice
    "d069": "wrong",  # its comment says why it divides, and that is not so: it is too small by C
    "d076": "unknown",  # right if the policy is a softmax, as d090, which is labelled so
}
WANTED = {
    "KLD101": "d053 d054 d087 d089",
    "KLD102": "d012",
    "KLD105": "d088",
    "KLD107": "d038",
    "KLD109": "d002",
    "KLD111": "d038 d039 d040 d041 d042 d043 d044 d045 d046 d053 d067 d068 d089",
    "KLD113": "d088",
    "KLD115": "d057 d058",
    "KLD116": "d037",
    "KLD121": "d063 d064 d065",
    "KLD131": "d008",
    "KLD141": "d036",
    "KLD161": "d001",
    "KLD171": "d099 d100",
    "KLD172": "d104",
    "KLD173": "d103",
    "KLD174": "d097",
    "KLD175": "d098",
    "KLD181": "d014",
    "KLD182": "d029",
    "KLD183": "d027",
    "KLD184": "d031",
    "KLD191": "d030 d062",
    "KLD192": "d033",
    "KLD201": "d026",
}


def counts(sites: list[dict[str, str]]) -> dict[str, Any]:
    """Labels, classes, both readings and the audit's findings, as numbers."""
    found = {site["id"]: codes_in(site["snippet"]) for site in sites}
    wanted = {
        site["id"]: {code for code, names in WANTED.items() if site["id"] in names.split()}
        for site in sites
    }
    clean = [site["id"] for site in sites if site["label"] == "correct"]
    classes: dict[str, Counter[str]] = {}
    for site in sites:
        entry = classes.setdefault(site["class"], Counter())
        entry[site["label"]] += 1
        entry["reported"] += bool(found[site["id"]])
    return {
        "labels": Counter(site["label"] for site in sites),
        "second": Counter(f"{s['label']} to {SECOND[s['id']]}" for s in sites if s["id"] in SECOND),
        "reported": Counter(site["label"] for site in sites if found[site["id"]]),
        "classes": {name: dict(entry) for name, entry in sorted(classes.items())},
        "rules": {code: one._asdict() for code, one in score(wanted, found, clean).items()},
        "off": {code: dict(labels) for code, labels in sorted(_off(sites).items())},
    }


def _off(sites: list[dict[str, str]]) -> dict[str, Counter[str]]:
    """The labels of the sites that each rule reports which is off unless it is asked for."""
    labels: dict[str, Counter[str]] = {}
    for code, rule in RULES.items():
        if not rule.default:
            hits = [site for site in sites if codes_in(site["snippet"], [code])]
            labels[code] = Counter(site["label"] for site in hits)
    return labels


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="the labelled sites, JSON lines")
    path = parser.parse_args().data
    data = path.read_bytes()
    sites = [json.loads(line) for line in data.decode("utf-8").splitlines()]
    record = {"sha256": hashlib.sha256(data).hexdigest(), "sites": len(sites), **counts(sites)}
    RECORD.write_text(json.dumps(record, indent=1) + "\n", "utf-8")
    print(f"{len(sites)} sites, wrote {RECORD.name}")


if __name__ == "__main__":
    main()
