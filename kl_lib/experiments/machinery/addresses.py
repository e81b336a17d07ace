"""Addresses of schedulers."""

from __future__ import annotations

import re

from .choices import ConfigError

_HOST = r"(\[[0-9a-fA-F:.%]+\]|[\w.-]+)"
_ADDRESS = re.compile(rf"(tcp|tls|ucx|ws|wss)://{_HOST}:(?P<port>\d{{1,5}})|inproc://\S+", re.ASCII)


def check_address(address: str) -> None:
    """Check that an address is one that dask.distributed connects to.

    It does not check itself before it has begun something that takes 20 seconds to end.

    Raises
    ------
    ConfigError
        If not.

    Examples
    --------
    >>> check_address("tcp://192.0.2.1:8786")
    """
    found = _ADDRESS.fullmatch(address)
    if found is None or int(found["port"] or 1) not in range(1, 2**16):
        raise ConfigError(
            f"scheduler is {address!r}, expected an address such as tcp://192.0.2.1:8786"
        )
