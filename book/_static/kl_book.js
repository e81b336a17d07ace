/* What the theme leaves undone: wide formulas on phones, the drawer of contents, and paper. */
(() => {
  // A formula that does not fit scrolls by itself, and then the keyboard must reach it. Most fit.
  function markWideFormulas() {
    for (const formula of document.querySelectorAll(".bd-article span.math")) {
      const drawn = formula.querySelector("mjx-container");
      let block = formula.parentElement;
      while (getComputedStyle(block).display.startsWith("inline")) block = block.parentElement;
      const wide = drawn && drawn.getBoundingClientRect().width > block.clientWidth;
      formula.classList.toggle("wide", Boolean(wide));
      if (wide) formula.tabIndex = 0;
      else formula.removeAttribute("tabindex");
    }
  }
  let width = 0;
  function whenTheWidthChanges() {
    if (width !== innerWidth) markWideFormulas();
    width = innerWidth;
  }
  addEventListener("load", async () => {
    await window.MathJax?.startup?.promise;
    whenTheWidthChanges();
    addEventListener("resize", whenTheWidthChanges);
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
