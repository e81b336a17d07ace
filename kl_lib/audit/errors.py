"""What goes wrong where the audit is asked for something."""

from __future__ import annotations


class AuditError(ValueError):
    """What was asked of the audit cannot be done: a rule, a setting or a path that there is not."""

    __module__ = "kl_lib.audit"
