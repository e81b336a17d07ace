"""From the rules to what people read.

`checking` has what the rules find in a file, without what `selection` and `noqa` leave out;
`report` and `sarif` print it, and `fixes` mends what is certain.
"""

from .finding import Finding, Result, Unreadable

__all__ = ["Finding", "Result", "Unreadable"]
