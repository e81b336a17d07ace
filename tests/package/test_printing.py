"""What is printed where the output knows no Unicode: every sign in ASCII, nothing raised."""

import json
import subprocess
import sys

import pytest
from thorough import first_of

from kl_lib.printing import printable

P, Q = [0.2, 0.5, 0.2, 0.1], [0.0, 0.7, 0.1, 0.2]


def run(*command, encoding):
    done = subprocess.run(
        [sys.executable, *command], capture_output=True, check=False,
        env={"PYTHONIOENCODING": encoding, "PATH": ""},
    )  # fmt: skip
    assert b"Traceback" not in done.stderr, done.stderr.decode()
    return done.stdout.decode(encoding)


REPORT = f"import kl_lib as kl; r = kl.diagnose({P}, {Q}); print(r); print(repr(r) == str(r))"
ESTIMATE = (
    "from kl_lib.sampling import Estimate\n"
    "print(Estimate(0.5, 0.012, 100, warnings=('q/p has a mean of 1 ± 2',)))"
)


def test_a_report_is_as_aligned_and_as_narrow_in_ascii_as_in_unicode():
    ascii, unicode = (run("-c", REPORT, encoding=name).splitlines() for name in ("ascii", "utf-8"))
    assert ascii[0] == "KL(p||q) is infinite: q is 0 where p is not (1 entry)."
    assert ascii[-1] == unicode[-1] == "True"
    assert max(map(len, ascii)) <= 80
    assert "?" not in "".join(ascii)
    assert " ".join(ascii).split() == " ".join(unicode).replace("‖", "||").split()
    [header] = [line for line in ascii if line.split() == ["nats", "bits"]]
    table = ascii[ascii.index(header) : ascii.index(header) + 8]
    assert {len(line) for line in table} == {len(header)}


def test_an_estimate_is_written_with_plus_and_minus():
    assert run("-c", ESTIMATE, encoding="ascii").splitlines() == [
        "Estimate(0.500 +- 0.012 nats; 100 samples)",
        "  warning: q/p has a mean of 1 +- 2",
    ]
    # Latin-1 has ±, and ‖ it has not.
    assert "±" in run("-c", ESTIMATE, encoding="latin-1")
    assert run("-c", REPORT, encoding="latin-1").startswith("KL(p||q)")


@pytest.mark.parametrize("options", first_of([[], ["--json"]]))
def test_the_command_prints_all_it_has_to_say(tmp_path, options):
    (tmp_path / "pair.json").write_text(json.dumps({"p": P, "q": Q}))
    command = ["-m", "kl_lib.cli", "diagnose", str(tmp_path / "pair.json"), *options]
    ascii, unicode = (run(*command, encoding=name) for name in ("ascii", "utf-8"))
    if options:  # JSON loses nothing
        assert json.loads(ascii) == json.loads(unicode)
        assert json.loads(ascii)["measures"][0]["name"] == "KL(p‖q)"
    else:
        assert ascii.startswith("KL(p||q) is infinite")
        assert unicode.startswith("KL(p‖q) is infinite")


def test_what_the_output_can_show_is_left_as_it_is(monkeypatch):
    assert printable("KL(p‖q) = 0.5 ± 0.1") == "KL(p‖q) = 0.5 ± 0.1"

    class Output:
        encoding = "ascii"

    monkeypatch.setattr(sys, "stdout", Output())
    assert printable("p − q, ‖ and ±, 猫") == "p - q, || and +-, ?"
    monkeypatch.setattr(sys, "stdout", None)  # a program without a console
    assert printable("‖") == "‖"
