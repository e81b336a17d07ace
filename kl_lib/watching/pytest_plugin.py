"""``pytest --kl-watch``: the KL calls of a test run, with what is wrong with them at the end.

It is found by pytest once kl_lib is installed. A mistake makes a run fail that passed otherwise.
"""

from __future__ import annotations

from typing import Any

KEY = "_kl_watch"


def pytest_addoption(parser: Any) -> None:
    group = parser.getgroup("kl_lib")
    told = "look at the KL calls of the libraries that the tests use (kl_lib.watch)"
    group.addoption("--kl-watch", action="store_true", help=told)


def pytest_configure(config: Any) -> None:
    if config.getoption("--kl-watch"):
        from kl_lib.watching import watch

        seen = watch("record")
        seen.__enter__()
        setattr(config, KEY, seen)
        setattr(config, f"{KEY}_reports", [])
        if config.pluginmanager.hasplugin("xdist"):
            config.pluginmanager.register(_FromWorkers(config), f"{KEY}_from_workers")


def pytest_unconfigure(config: Any) -> None:
    seen = getattr(config, KEY, None)
    if seen is not None:
        delattr(config, KEY)
        seen.__exit__(None, None, None)


def pytest_sessionfinish(session: Any, exitstatus: int) -> None:
    seen = getattr(session.config, KEY, None)
    if seen is None:
        return
    reports = getattr(session.config, f"{KEY}_reports")
    reports.append((str(seen), len(seen.sites) + len(seen.unseen), len(seen.mistakes)))
    output = getattr(session.config, "workeroutput", None)
    if output is not None:  # a process of pytest-xdist, whose controller reports
        output[KEY] = reports[0]
    elif exitstatus == 0 and any(mistakes for _, _, mistakes in reports):
        session.exitstatus = 1


def pytest_terminal_summary(terminalreporter: Any, config: Any) -> None:
    reports = getattr(config, f"{KEY}_reports", [])
    if reports:
        terminalreporter.section("KL calls")
    shown = [text for text, places, _ in reports if places] or [text for text, _, _ in reports[:1]]
    for text in shown:
        terminalreporter.write_line(text)


class _FromWorkers:
    """Takes the reports of pytest-xdist's processes."""

    def __init__(self, config: Any) -> None:
        self.config = config

    def pytest_testnodedown(self, node: Any) -> None:
        report = getattr(node, "workeroutput", {}).get(KEY)
        if report:
            getattr(self.config, f"{KEY}_reports").append(tuple(report))
