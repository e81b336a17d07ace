"""kl-lib diagnose: what it reads, what it refuses, and how it ends."""

import io
import json
import subprocess
import sys

import numpy as np
import pytest
import truth
from typer.testing import CliRunner

from kl_lib import diagnose
from kl_lib.commands import app
from kl_lib.input_files import PairError, read_pair

P, Q = [0.2, 0.5, 0.2, 0.1], [0.3, 0.4, 0.1, 0.2]
KL = 0.0997934721


def invoke(*args, stdin=None):
    return CliRunner().invoke(app, ["diagnose", *map(str, args)], input=stdin)


@pytest.fixture(autouse=True)
def in_a_folder_with_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save("p.npy", P)
    np.save("q.npy", Q)
    np.save("zero.npy", [0, 0.7, 0.1, 0.2])
    np.save("counts.npy", [2, 5, 2, 1])
    np.savez("pair.npz", p=P, q=Q)
    with open("pair.json", "w") as file:
        json.dump({"p": P, "q": Q}, file)
    with open("p.json", "w") as file:
        json.dump(P, file)


def write(name, text):
    with open(name, "w", newline="") as file:
        file.write(text)
    return name


# How it ends


@pytest.mark.parametrize(
    ("args", "status", "verdict"),
    [
        (["p.npy", "q.npy"], 0, "KL(p‖q) = 0.0997935 nats = 0.143972 bits."),
        (["p.npy", "zero.npy"], 1, "KL(p‖q) is infinite: q is 0 where p is not (1 entry)."),
        (["zero.npy", "p.npy"], 0, "KL(p‖q) = 0.304845 nats = 0.439799 bits."),
        (["counts.npy", "q.npy"], 1, "No KL: p is not a distribution."),
        (["counts.npy", "q.npy", "--normalize"], 0, "KL(p‖q) = 0.0997935 nats = 0.143972 bits."),
        (["p.npy", "q.npy", "--axis", "1"], 1, "No KL: axis cannot be used."),
        (["p.npy", "q.npy", "--axis", "-1"], 0, "KL(p‖q) = 0.0997935 nats = 0.143972 bits."),
    ],
)
def test_the_status_says_fine_or_not(args, status, verdict):
    done = invoke(*args)
    assert done.stdout.splitlines()[0] == verdict
    assert done.exit_code == status
    assert done.stderr == ""
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_what_is_printed_is_the_report():
    assert invoke("p.npy", "q.npy").stdout == f"{diagnose(P, Q)}\n"


def test_json_is_the_report_as_json():
    done = invoke("p.npy", "zero.npy", "--json", "--libraries", "numpy", "--base", "10")
    assert done.exit_code == 1
    read = json.loads(done.stdout)
    expected = diagnose(P, [0, 0.7, 0.1, 0.2], libraries=("numpy",), base=10.0)
    assert read == expected.to_dict()
    assert read["measures"][0]["nats"] == "inf"


def test_libraries_are_those_asked_for():
    done = invoke("p.npy", "q.npy", "--libraries", "scipy, numpy", "--json")
    names = [answer["library"] for answer in json.loads(done.stdout)["answers"]]
    assert names == ["scipy", "scipy", "scipy", "numpy"]
    assert json.loads(invoke("p.npy", "q.npy", "--libraries", "", "--json").stdout)["answers"] == []


# What it reads


def kl_of(done):
    return json.loads(done.stdout)["measures"][0]["nats"]


@pytest.mark.parametrize("args", [("pair.npz",), ("pair.json",), ("p.json", "q.npy")])
def test_one_file_with_both_and_one_for_each_are_the_same(args):
    assert kl_of(invoke(*args, "--json")) == pytest.approx(KL, rel=1e-8)


def test_standard_input_is_json():
    done = invoke("-", "--json", stdin=json.dumps({"p": P, "q": Q}))
    assert kl_of(done) == pytest.approx(KL, rel=1e-8)
    assert kl_of(invoke("-", "q.npy", "--json", stdin=json.dumps(P))) == pytest.approx(KL, rel=1e-8)
    assert kl_of(invoke("p.npy", "-", "--json", stdin=json.dumps(Q))) == pytest.approx(KL, rel=1e-8)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0.5,0.3,0.2\n", [0.5, 0.3, 0.2]),
        ("0.5\n0.3\n0.2\n", [0.5, 0.3, 0.2]),
        ("cat,dog,cow\n0.5, 0.3, 0.2\n0.1,0.1,0.8\n", [[0.5, 0.3, 0.2], [0.1, 0.1, 0.8]]),
        ("\ufeff0.5;0.3;0.2\r\n0.1;0.1;0.8\r\n\r\n", [[0.5, 0.3, 0.2], [0.1, 0.1, 0.8]]),
        ("0.5\t0.5\n1\t0\n", [[0.5, 0.5], [1, 0]]),
        ("0.5 0.5\n1  0\n", [[0.5, 0.5], [1, 0]]),
        ('"0.5","0.5"\n1e0,-inf\n', [[0.5, 0.5], [1, -np.inf]]),
        (",cat,dog\n0,0.5,0.5\nmon,1,0\n", [[0.5, 0.5], [1, 0]]),
        (",0\ncat,0.6\ndog,0.4\n", [0.6, 0.4]),
        (",0\n0,0.6\n1,0.4\n", [0.6, 0.4]),
        (",0,1\n0,0.6,0.4\n1,1,0\n", [[0.6, 0.4], [1, 0]]),
    ],
)
def test_a_csv_is_read_with_its_separator_and_without_its_names(text, expected):
    write("x.csv", text)
    p, q = read_pair("x.csv", "x.csv")
    np.testing.assert_array_equal(p, expected)
    np.testing.assert_array_equal(q, expected)


def test_dtypes_of_arrays_are_kept():
    np.save("half.npy", np.array([0.5, 0.5], np.float16))
    p, q = read_pair("half.npy", "half.npy")
    assert p.dtype == q.dtype == np.float16


# What it makes of names

#: The same distributions with their categories (and rows) in another order.
ORDERS = [
    ("x.csv", "cat,dog,cow\n0.5,0.3,0.2\n0.1,0.1,0.8\n",
     "y.csv", "cow,cat,dog\n0.1,0.4,0.5\n0.5,0.25,0.25\n",
     [[0.4, 0.5, 0.1], [0.25, 0.25, 0.5]]),
    ("x.csv", "cat,dog,cow\n0.5,0.3,0.2\n", "y.csv", "cow;cat;dog\n0.1;0.4;0.5\n",
     [0.4, 0.5, 0.1]),
    ("x.csv", ",cat,dog,cow\nmon,0.5,0.3,0.2\ntue,0.1,0.1,0.8\n",
     "y.csv", ",cow,cat,dog\ntue,0.5,0.25,0.25\nmon,0.1,0.4,0.5\n",
     [[0.4, 0.5, 0.1], [0.25, 0.25, 0.5]]),
    ("x.csv", ",0\ncat,0.5\ndog,0.3\ncow,0.2\n", "y.csv", ",q\ncow,0.1\ncat,0.4\ndog,0.5\n",
     [0.4, 0.5, 0.1]),
    ("x.json", '{"cat": 0.5, "dog": 0.3, "cow": 0.2}',
     "y.json", '{"cow": 0.1, "cat": 0.4, "dog": 0.5}', [0.4, 0.5, 0.1]),
    ("x.json", '{"cat": [0.5, 0.1], "dog": [0.3, 0.1], "cow": [0.2, 0.8]}',
     "y.csv", "cow,cat,dog\n0.1,0.4,0.5\n0.5,0.25,0.25\n",
     [[0.4, 0.5, 0.1], [0.25, 0.25, 0.5]]),
]  # fmt: skip


@pytest.mark.parametrize(("first", "p_text", "second", "q_text", "aligned"), ORDERS)
def test_names_pair_whatever_their_order(first, p_text, second, q_text, aligned):
    done = invoke(write(first, p_text), write(second, q_text), "--json")
    assert done.exit_code == 0
    p = [[0.5, 0.3, 0.2], [0.1, 0.1, 0.8]]
    rows = [*zip(p, aligned, strict=True)] if isinstance(aligned[0], list) else [(p[0], aligned)]
    assert kl_of(done) == pytest.approx(max(float(truth.kl(a, b)) for a, b in rows), rel=1e-12)
    # Against a file without names, they pair by position.
    np.save("aligned.npy", aligned)
    assert kl_of(invoke(first, "aligned.npy", "--json")) == pytest.approx(kl_of(done), rel=1e-12)


def test_one_json_with_both_pairs_by_name_too():
    pair = {"p": {"cat": 0.6, "dog": 0.4}, "q": {"dog": 0.3, "cat": 0.7}}
    expected = pytest.approx(float(truth.kl([0.6, 0.4], [0.7, 0.3])), rel=1e-12)
    assert kl_of(invoke("-", "--json", stdin=json.dumps(pair))) == expected
    with open("named.json", "w") as file:
        json.dump(pair, file)
    done = invoke("named.json")
    assert done.exit_code == 0
    assert " cat " in done.stdout  # the category has its name in the report
    assert kl_of(invoke("named.json", "--json")) == expected


@pytest.mark.parametrize(
    ("first", "p_text", "second", "q_text"),
    [
        ("x.csv", "cat,dog\n5,5\n", "y.csv", "cat,cow,dog\n2,4,2\n"),
        ("x.csv", ",count\ncat,5\ndog,5\n", "y.csv", ",count\ncow,4\ndog,2\ncat,2\n"),
        ("x.json", '{"cat": 5, "dog": 5}', "y.json", '{"cow": 4, "cat": 2, "dog": 2}'),
        ("x.csv", "cat,dog\n5,5\n", "y.json", '{"cow": 4, "cat": 2, "dog": 2}'),
    ],
)
def test_names_that_differ_are_refused_with_what_aligning_them_gives(first, p_text, second, q_text):
    done = invoke(write(first, p_text), write(second, q_text), "--normalize", "--json")
    assert done.exit_code == 1
    found = json.loads(done.stdout)
    [problem] = found["problems"]
    assert problem["kind"] == "labels"
    assert "'cow' is in q alone" in problem["message"]
    [align] = [remedy for remedy in found["remedies"] if remedy["kind"] == "align"]
    assert align["value"] == pytest.approx(np.log(2), rel=1e-12)  # of (1, 1)/2 and (1, 1, 2)/4
    assert "0.693147 nats" in align["message"]
    # And as text.
    done = invoke(first, second, "--normalize")
    assert done.exit_code == 1
    assert done.stdout.startswith("No KL: p and q do not pair up.")


def test_the_name_over_a_single_column_is_no_category():
    write("x.csv", "model\n0.5\n0.3\n0.2\n")
    write("y.csv", "data\n0.4\n0.5\n0.1\n")
    expected = pytest.approx(float(truth.kl([0.5, 0.3, 0.2], [0.4, 0.5, 0.1])), rel=1e-12)
    assert kl_of(invoke("x.csv", "y.csv", "--json")) == expected
    assert isinstance(read_pair("x.csv", "y.csv")[0], np.ndarray)


# What it refuses


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["gone.npy", "q.npy"], "there is no file gone.npy"),
        (["p.npy", "gone.csv"], "there is no file gone.csv"),
        (["p.txt", "q.npy"], "p.txt is not a .npy, .csv, .json or .npz file, by its name"),
        (["p.npy"], "p.npy can hold only one of p and q: give two files"),
        (["pair.npz", "q.npy"], "pair.npz holds several arrays: give it alone"),
        (["pair.json", "q.npy"], "pair.json holds p and q: give it alone"),
        (["p.json"], 'p.json holds a list, expected {"p": [...], "q": [...]}'),
        (["-", "-"], "standard input, which can be read once"),
        (["p.npy", "q.npy", "--libraries", "nympy"], "--libraries has 'nympy', expected any of"),
    ],
)
def test_a_wrong_source_is_one_line_and_status_2(args, words):
    done = invoke(*args)
    assert done.exit_code == 2
    assert done.stderr.startswith("kl-lib: ")
    assert words in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("x.csv", "1,2\n3,four\n", "x.csv, line 2: number 2 is 'four'; write a number"),
        ("x.csv", "1,2\n3,\n", "x.csv, line 2: number 2 is empty; write a number"),
        ("x.csv", ",2\n3,1\n", "x.csv, line 1: number 1 is empty; write a number"),
        ("x.csv", "a,b,c\n1,2\n", "x.csv names 3 categories and has 2 numbers in each line"),
        ("x.csv", "1,2\n3\n", "x.csv, line 2 has 1 number, line 1 has 2"),
        ("x.csv", "\n", "x.csv holds no numbers"),
        ("x.json", "[0.5, 0.5", "x.json is not JSON"),
        ("x.json", '[0.5, "0.5"]', "x.json: p[1] is text, expected a number"),
        ("x.json", "[[0.5, null]]", "x.json: p[0][1] is null, expected a number"),
        ("x.json", "[true]", "x.json: p[0] is true or false, expected a number"),
        ("x.json", "[[1, 2], [3]]", "x.json: the lists of p do not form a table"),
        ("x.json", "[" * 500 + "]" * 500, "x.json: the lists of p do not form a table"),
        ("x.json", "[" * 99999 + "]" * 99999, "x.json is not JSON"),
        ("x.json", f"[1{'0' * 400}]", "x.json: p holds a number beyond float64"),
        ("x.npy", "0.5,0.5", "x.npy is no .npy file; write it with np.save('x.npy', array)"),
        ("x.npy", "\x93NUMPY", "x.npy is no .npy file"),
    ],
)
def test_a_file_without_numbers_is_one_line_that_says_where(name, text, words):
    write(name, text)
    done = invoke(name, "q.npy")
    assert done.exit_code == 2
    assert words in done.stderr
    assert done.stderr.count("\n") == 1


def damaged(make, cut):
    stream = io.BytesIO()
    make(stream)
    return stream.getvalue()[:cut]


def test_damaged_arrays_are_named():
    cases = {
        "x.npy": damaged(lambda s: np.save(s, P), -8),
        "y.npy": damaged(lambda s: np.save(s, P), 20),
        "z.npy": b"\x93NUMPY\x01\x00\x76\x00{'descr': '<f8', 'fortran_order': False, "
        b"'shape': (99999999999999,), }".ljust(127)
        + b"\n",
    }
    for name, content in cases.items():
        with open(name, "wb") as file:
            file.write(content)
        done = invoke(name, "q.npy")
        assert done.exit_code == 2
        assert f"kl-lib: {name} is damaged (" in done.stderr
        assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"no zip", "x.npz is no .npz file; write it with np.savez('x.npz', p=p, q=q)"),
        (damaged(lambda s: np.savez(s, a=P), None), "x.npz holds a, but no p and no q"),
        (damaged(lambda s: np.savez(s, p=P), None), "x.npz holds p, but no q"),
        (damaged(lambda s: np.savez(s, p=P, q=["a"]), None), "x.npz: q has dtype <U1, expected"),
    ],
)
def test_an_archive_without_p_and_q_is_refused(content, words):
    with open("x.npz", "wb") as file:
        file.write(content)
    done = invoke("x.npz")
    assert done.exit_code == 2
    assert words in done.stderr


def test_bits_that_changed_in_an_archive_are_noticed():
    content = bytearray(damaged(lambda s: np.savez(s, p=P, q=Q), None))
    place = bytes(content).index(np.float64(0.5).tobytes())
    content[place] ^= 1
    with open("x.npz", "wb") as file:
        file.write(content)
    with pytest.raises(PairError, match=r"x\.npz is damaged \(.*CRC.*; write it again"):
        read_pair("x.npz")


class Trap:
    """An object whose pickle writes a file when it is loaded."""

    def __reduce__(self):
        return (exec, ("open('sprung', 'w').close()",))


@pytest.mark.parametrize("name", ["x.npy", "x.npz"])
def test_pickled_objects_are_refused_and_not_run(name, tmp_path):
    trap = np.array([Trap()], dtype=object)
    if name == "x.npy":
        np.save(name, trap)
        done = invoke(name, "q.npy")
    else:
        np.savez(name, p=trap, q=Q)
        done = invoke(name)
    assert done.exit_code == 2
    assert "holds pickled Python objects" in done.stderr
    assert "save numbers: array.astype(float)" in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "sprung").exists()
    # The trap does work where pickles are loaded.
    loaded = np.load(name, allow_pickle=True)
    if name == "x.npz":
        loaded["p"]
    assert (tmp_path / "sprung").exists()


# What it needs


def test_it_loads_no_experiments_and_no_framework():
    code = (
        "import sys\n"
        "from kl_lib.cli import main\n"
        "sys.argv = ['kl-lib', 'diagnose', 'p.npy', 'q.npy']\n"
        "try:\n"
        "    main()\n"
        "except SystemExit as ended:\n"
        "    print('status', ended.code or 0)\n"
        "heavy = {'tensorflow', 'keras', 'mxnet', 'torch', 'sklearn', 'matplotlib', 'pandas'}\n"
        "heavy.add('kl_lib.experiments')\n"
        "print('loaded', *sorted(heavy & {*sys.modules}))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-2:] == ["status 0", "loaded"]
