"""What `make mutate` makes of the results of mutmut; tools/mutate.sh runs it.

Every mutant that survives has to stand in tools/mutants.txt with the reason why no test can or
should tell it from the code, and every mutant that stands there has to survive.
"""

from __future__ import annotations

import hashlib
import json
import random
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "mutants"
LIST = ROOT / "tools" / "mutants.txt"

#: Exit codes of the tests of a mutant, as mutmut stores them. Anything else is a survivor.
KILLED, NOT_CHECKED = (1, 3), (None, 2)
TIMED_OUT = (-24, 24, 36, 152, 255)

#: Of one mutant: file and function, and the lines of its diff.
Change = tuple[str, str]
ANY = "- any"


def parse(text: str) -> dict[Change, str]:
    """The reason for each change listed.

    Paragraphs: the first lines, `# file.function: reason`, hold until the next such; the others
    are the lines of a diff, the old with − and the new with +. `- any` is every change of a
    function that no test of this run can reach.
    """
    found: dict[Change, str] = {}
    function = reason = ""
    for paragraph in text.split("\n\n"):
        lines = paragraph.strip().splitlines()
        head = " ".join(line[1:].strip() for line in lines if line.startswith("#"))
        if head:
            function, _, reason = head.partition(": ")
        change = "\n".join(line for line in lines if line[:1] in ("-", "+"))
        if change:
            found[function, change] = reason
    return found


def results() -> Iterator[tuple[Path, dict]]:
    """The file of results of each source file, and what is in it."""
    for path in sorted(RESULTS.glob("kl_lib/**/*.meta")):
        yield path, json.loads(path.read_text("utf-8"))


def change_of(source: str, mutant: str) -> Change:
    from mutmut.mutation.diff_apply import get_diff_for_mutant

    diff = get_diff_for_mutant(mutant, path=Path(source)).splitlines()
    lines = (f"{line[0]} {line[1:].strip()}" for line in diff[2:] if line[:1] in ("-", "+"))
    module, _, function = mutant.partition("__mutmut_")[0].rpartition(".")
    name = function.removeprefix("x_").replace("xǁ", "").replace("ǁ", ".")
    return f"{module.removeprefix('kl_lib.')}.{name}", "\n".join(lines)


def forget() -> None:
    """Have survivors checked again if code or a test has changed since: one may be killed now.

    mutmut itself checks again what changed in a function, but believes what it knows of which
    tests run which function, and of the survivors.
    """
    watched = [ROOT / "book" / "errors.md", ROOT / "pyproject.toml"]
    watched += sorted(
        path for name in ("tests", "tools", "kl_lib") for path in (ROOT / name).glob("**/*.py")
    )
    seen = hashlib.sha256(b"".join(path.read_bytes() for path in watched)).hexdigest()
    stamp = RESULTS / "seen.sha256"
    if stamp.exists() and stamp.read_text("utf-8") == seen:
        return
    (RESULTS / "mutmut-stats.json").unlink(missing_ok=True)
    for path, result in results():
        codes = result["exit_code_by_key"]
        codes |= {mutant: None for mutant, code in codes.items() if code not in KILLED}
        path.write_text(json.dumps(result), "utf-8")
    RESULTS.mkdir(exist_ok=True)
    stamp.write_text(seen, "utf-8")


def sample(count: int, seed: int = 0) -> list[str]:
    """As many mutants that are not checked yet, drawn at random."""
    found = (result["exit_code_by_key"] for _, result in results())
    left = [m for codes in found for m, code in codes.items() if code in NOT_CHECKED]
    return random.Random(seed).sample(left, min(count, len(left)))


def verdict(code: int | None) -> str:
    if code in KILLED:
        return "killed"
    if code in TIMED_OUT:
        return "timed out"
    return "not checked" if code in NOT_CHECKED else "survived"


def report() -> bool:
    """Print the score of each file and what is wrong; whether nothing is."""
    listed = parse(LIST.read_text("utf-8"))
    survivors: dict[Change, str] = {}
    columns = ("killed", "timed out", "survived", "not checked")
    line = "{:<30} {:>8} {:>8} {:>10} {:>9} {:>12}".format
    print(line("", "mutants", *columns))
    total: Counter[str] = Counter()
    for path, result in results():
        source = str(path.relative_to(RESULTS)).removesuffix(".meta")
        found = {mutant: verdict(code) for mutant, code in result["exit_code_by_key"].items()}
        count = Counter(found.values())
        if found:
            print(line(source, len(found), *(count[name] for name in columns)))
        survivors |= {change_of(source, m): m for m, name in found.items() if name == "survived"}
        total += count
    print(line("all", total.total(), *(total[name] for name in columns)))
    problems = [
        f"{mutant} survives and is not listed:\n# {change[0]}: WHY\n{change[1]}"
        for change, mutant in survivors.items()
        if change not in listed and (change[0], ANY) not in listed
    ]
    functions = {(function, ANY) for function, _ in survivors}
    for change, reason in listed.items():
        if change not in survivors and change not in functions and not total["not checked"]:
            problems.append(f"listed, but killed or gone:\n# {change[0]}: {reason}\n{change[1]}")
        if len(reason.split()) < 3:
            problems.append(f"listed without a reason:\n# {change[0]}\n{change[1]}")
    if total["not checked"] or not total:
        problems.append("some mutants are not checked yet: run it again")
    print("", *problems, sep="\n\n")
    return not problems


if __name__ == "__main__":
    if sys.argv[1:] == ["forget"]:
        forget()
    elif sys.argv[1:2] == ["sample"]:
        print(*sample(*map(int, sys.argv[2:])))
    else:
        sys.exit(not report())
