/* What the theme leaves undone: wide formulas on phones, the drawer of contents, and paper. */
(() => {
  // A formula wider than its line scrolls by itself, and then the keyboard must reach it. Most are not,
  // and are no stop of the keyboard. What is folded has no width yet: asked when it opens.
  function room(formula) {
    let block = formula.parentElement;
    while (getComputedStyle(block).display.startsWith("inline")) block = block.parentElement;
    const { paddingLeft, paddingRight } = getComputedStyle(block);
    const punctuation = formula.closest(".glued") ? 16 : 0;
    return block.clientWidth - parseFloat(paddingLeft) - parseFloat(paddingRight) - punctuation;
  }
  function measureFormulas() {
    const inline = [...document.querySelectorAll(".bd-article span.math")];
    const boxes = [...document.querySelectorAll(".bd-article .formula")];
    const wide = new Set([
      ...inline.filter((part) => part.firstElementChild.getBoundingClientRect().width > room(part)),
      ...boxes.filter((part) => part.scrollWidth > part.clientWidth),
    ]);
    for (const part of [...inline, ...boxes]) {
      part.classList.toggle("wide", wide.has(part));
      if (wide.has(part)) part.tabIndex = 0;
      else part.removeAttribute("tabindex");
    }
  }
  addEventListener("load", async () => {
    await document.fonts.ready;
    measureFormulas();
    let width = innerWidth;
    addEventListener("resize", () => {
      if (width !== innerWidth) measureFormulas();
      width = innerWidth;
    });
    document.addEventListener("toggle", measureFormulas, true);
    document.addEventListener("click", (event) => {
      if (event.target.closest(".admonition-title")) measureFormulas();
    });
  });

  // Whoever chose a place on this page wants to see it, not the drawer over it.
  document.addEventListener("click", (event) => {
    const link = event.target.closest("dialog[open] a[href]");
    if (link && link.href.split("#")[0] === location.href.split("#")[0]) {
      link.closest("dialog").close();
    }
  });

  // The theme takes the focus from a button that was pressed, by the mouse or not. A key (a click
  // without a count) is pressed by someone who needs to know where they are.
  document.addEventListener("click", (event) => {
    const button = event.target.closest(".theme-switch-button, .search-button");
    if (button && event.detail === 0 && !document.querySelector("dialog[open]")) button.focus();
  });

  // On paper nothing can be opened, and a dark page cannot be read.
  const root = document.documentElement.dataset;
  let theme, opened;
  addEventListener("beforeprint", () => {
    theme = root.theme;
    root.theme = "light";
    opened = [...document.querySelectorAll("details:not([open])")];
    for (const part of opened) part.open = true;
  });
  addEventListener("afterprint", () => {
    root.theme = theme;
    for (const part of opened) part.open = false;
  });
})();
