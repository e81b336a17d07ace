"""How docstrings become pages: `single backticks` are code, and a link where there is one.

Docstrings are read as text first, so they name functions, parameters and values alike in single
backticks. On a page, a name that the reference documents leads there; anything else is code.
"""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes
from docutils.parsers.rst import roles
from docutils.parsers.rst.states import Inliner
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.errors import PycodeError
from sphinx.pycode import ModuleAnalyzer
from sphinx.transforms.post_transforms import SphinxPostTransform

ROLE = "code-or-link"


def code_or_link(
    role: str, rawtext: str, text: str, lineno: int, inliner: Inliner, *_: Any, **__: Any
) -> tuple[list[nodes.Node], list[nodes.system_message]]:
    context = inliner.document.settings.env.ref_context
    reference = addnodes.pending_xref(
        rawtext,
        nodes.literal(rawtext, text),
        refdomain="py",
        reftype="obj",
        reftarget=text,
        refdoc=inliner.document.settings.env.docname,
        **{"py:module": context.get("py:module"), "py:class": context.get("py:class")},
    )
    reference["kl_may_be_code"] = True
    return [reference], []


def leave_code(
    app: Sphinx, env: BuildEnvironment, node: addnodes.pending_xref, shown: nodes.Element
) -> nodes.Node | None:
    """A name that is no object of its own module is looked for in kl_lib, or is no link."""
    if not node.get("kl_may_be_code"):
        return None
    domain, name = env.get_domain("py"), f"kl_lib.{node['reftarget']}"
    found = domain.resolve_xref(env, node["refdoc"], app.builder, "obj", name, node, shown)
    return found or shown


def keep_bars(app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """In docstrings |x| is an absolute value; reStructuredText would put something in its place."""
    for i, line in enumerate(lines):
        if not line.lstrip().startswith((">>>", "...")):
            lines[i] = re.sub(r"(?<![^\s(·=])\|(?=[^\s|][^|]*\|)", r"\\|", line)


class NamesAsCode(SphinxPostTransform):
    """Parameters and return types stand in a list of fields in bold or italics: as code instead."""

    default_priority = 900

    def run(self, **kwargs: Any) -> None:
        for body in self.document.findall(nodes.field_body):
            if body.parent.parent.parent.__class__ is not addnodes.desc_content:
                continue
            if body.parent[0].astext() == "Variables":  # Sphinx's word for them
                body.parent[0][0] = nodes.Text("Attributes")
            for paragraph in body.findall(nodes.paragraph):
                first = paragraph.children[0] if paragraph.children else None
                if isinstance(first, (nodes.strong, addnodes.literal_strong)):
                    paragraph.remove(first)
                    for i, name in enumerate(reversed(first.astext().split(", "))):
                        if i:
                            paragraph.insert(0, nodes.Text(", "))
                        paragraph.insert(0, nodes.literal(name, name))


def leave_mocks_alone(app: Sphinx, config: Any) -> None:
    """autodoc reads the source of a class's bases, and would import a framework to find it."""
    source_of = ModuleAnalyzer.get_module_source

    def unless_mocked(module: str) -> tuple[str | None, str | None]:
        if module.partition(".")[0] in config.autodoc_mock_imports:
            raise PycodeError("mocked, see autodoc_mock_imports")
        return source_of(module)

    ModuleAnalyzer.get_module_source = staticmethod(unless_mocked)  # type: ignore[method-assign]


def setup(app: Sphinx) -> dict[str, bool]:
    roles.register_local_role(ROLE, code_or_link)  # type: ignore[arg-type]
    app.connect("config-inited", leave_mocks_alone)
    app.connect("missing-reference", leave_code)
    app.connect("autodoc-process-docstring", keep_bars, priority=400)  # before napoleon
    app.add_post_transform(NamesAsCode)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
