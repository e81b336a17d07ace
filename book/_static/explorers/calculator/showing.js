// A report as elements of the page.
(function (kl) {
  "use strict";

  function element(tag, attributes = {}, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    made.append(...children);
    return made;
  }

  const list = (items) =>
    element("ul", {}, ...items.map((item) => element("li", {}, ...[].concat(item))));

  /** Numbers are set flush right, and what does not fit a phone scrolls. */
  function table({ title, header, rows, note }) {
    const cell = (text, tag, scope) => element(tag, scope ? { scope } : {}, text);
    const head = header.map((text) => (text ? cell(text, "th", "col") : cell(text, "td")));
    const body = rows.map(([first, ...rest]) =>
      element("tr", {}, cell(first, "th", "row"), ...rest.map((text) => cell(text, "td"))));
    const made = element(
      "table", {},
      element("thead", {}, element("tr", {}, ...head)),
      element("tbody", {}, ...body),
    );
    const frame = { class: "calculator-table", role: "region", "aria-label": title, tabindex: "0" };
    return [element("div", frame, made), ...(note ? [element("p", {}, note)] : [])];
  }

  /** Each library with its calls, and what each call answers. */
  function answers({ rows }) {
    const libraries = [...new Set(rows.map(([library]) => library))];
    return libraries.flatMap((library) => [
      element("h3", {}, library),
      list(rows.filter(([name]) => name === library).map(([, call, answer]) =>
        (call ? [element("code", {}, call), element("span", {}, answer)] : answer))),
    ]);
  }

  /** The remedies, each with the line of Python that was tried out. */
  function remedies(report) {
    return [list(report.remedies.map(({ message, code }) =>
      (code ? [message, element("code", { class: "calculator-line" }, code)] : message)))];
  }

  function section(block, report) {
    const parts = () => {
      if (block.title === "What you can do") return remedies(report);
      if (block.sentences.length) return [list(block.sentences)];
      return block.title.startsWith("Other libraries") ? answers(block) : table(block);
    };
    return element("section", {}, element("h2", {}, block.title), ...parts());
  }

  /** The sections of a report, after its verdict. */
  const sections = (report) => kl.blocks(report).map((block) => section(block, report));

  kl.showing = { element, sections };
})((window.klCalculator = window.klCalculator || {}));
