"""The examples in a framework's docstrings are skipped, by name, where it is missing."""

from kl_lib.losses.conftest import pytest_collect_file

__all__ = ["pytest_collect_file"]
