/* Explorers: figures of the book that move. CONTRIBUTING.md says how to add one.

   klExplorer.define(name, what) fills every element with data-explorer="name". `what` has
     label      the accessible name
     controls   a list: { name, kind, label, value, … }, of kind "range" (min, max, step), "number"
                (the same), "choice" (options: [[value, words], …]), "check", or "list" (no control of
                its own; valid(list) says whether an address may set it)
     settle     (state, before) => state that keeps what controls have in common; optional
     compute    (state) => numbers, from the state alone: tests compare them with kl_lib's
     readout    (numbers, state) => [[words, number or text, unit], …]
     table      (numbers, state) => rows of cells, the first one the heading; optional
     note       (numbers, state) => a sentence that depends on the state; optional
     buttons    [{ label, press(explorer) }]; optional
     draw       (canvas, numbers, state, explorer): see kl_drawing.js */
"use strict";

const klExplorer = (() => {
  const QUIET = 700; // ms without a change until a screen reader is told
  const defined = {};

  function element(tag, attributes = {}, ...children) {
    const made = document.createElement(tag);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...children);
    return made;
  }

  /* A number as it is shown; `data` elements keep all of its digits. */
  function shown(x) {
    if (typeof x === "string") return x;
    if (!Number.isFinite(x)) return Number.isNaN(x) ? "undefined" : x > 0 ? "∞" : "−∞";
    const size = Math.abs(x);
    const text = size > 0 && size < 5e-4 ? x.toExponential(2) : x.toFixed(size < 1000 ? 4 : 0);
    return text.replace(/-/g, "−").replace(/^−(0\.0+)$/, "$1"); // no minus zero
  }
  /* The nearest value that a range or number box can have: six decimals, or a whole number of steps of 1. */
  function clamped({ min, max, step }, x) {
    return Number(Math.min(max, Math.max(min, x)).toFixed(Number.isInteger(step) ? 0 : 6));
  }

  // The state in the address: ?name.key=value, lists joined by "_", only what differs from the start.
  function written(value) {
    return Array.isArray(value) ? value.join("_") : String(value);
  }
  function read(control, text) {
    if (control.kind === "check") return text === "true";
    if (control.kind === "choice") {
      return control.options.some(([value]) => value === text) ? text : control.value;
    }
    const numbers = text.split("_").map((part) => (part.trim() === "" ? NaN : Number(part)));
    if (!numbers.every(Number.isFinite)) return control.value;
    if (control.kind === "list") return control.valid(numbers) ? numbers : control.value;
    return clamped(control, numbers[0]);
  }
  function addressed(name, controls) {
    const asked = new URLSearchParams(location.search);
    return Object.fromEntries(
      controls.map((control) => {
        const text = asked.get(`${name}.${control.name}`);
        return [control.name, text === null ? control.value : read(control, text)];
      }),
    );
  }
  function link(name, controls, state, anchor) {
    const address = new URL(location.href);
    for (const control of controls) {
      const key = `${name}.${control.name}`;
      const text = written(state[control.name]);
      if (text === written(control.value)) address.searchParams.delete(key);
      else address.searchParams.set(key, text);
    }
    address.hash = anchor;
    return address.href;
  }

  /* A labelled control, and what shows a new value in it. */
  function control(what, id, change) {
    const { kind, label, name } = what;
    const input = element(kind === "choice" ? "select" : "input", { id: `${id}-${name}` });
    const words = element("label", { for: input.id }, label);
    const field = element("div", { class: `explorer-field ${kind}` }, words, input);
    if (kind === "check") {
      input.type = "checkbox";
      field.prepend(input);
      input.addEventListener("change", () => change(input.checked));
      return { field, show: (value) => (input.checked = value) };
    }
    if (kind === "choice") {
      input.append(...what.options.map(([value, text]) => element("option", { value }, text)));
      input.addEventListener("change", () => change(input.value));
      return { field, show: (value) => (input.value = value) };
    }
    const boxes = [input];
    if (kind === "range") {
      input.type = "range";
      boxes.push(element("input", { "aria-label": `${label}, as a number` }));
      field.append(boxes[1]);
    }
    boxes[boxes.length - 1].type = "number";
    for (const box of boxes) {
      Object.assign(box, { min: what.min, max: what.max, step: what.step });
      // What is typed may not be a number yet, or not in range.
      box.addEventListener("input", () => {
        if (box.value !== "" && box.checkValidity()) change(Number(box.value));
      });
      box.addEventListener("change", () => change(box.value === "" ? undefined : clamped(what, Number(box.value))));
    }
    const show = (value) => {
      for (const box of boxes) {
        if (box !== document.activeElement || Number(box.value) !== value) box.value = value;
      }
    };
    return { field, show };
  }

  function mount(root, name, what) {
    const anchor = root.closest("figure")?.id ?? "";
    const id = `explorer-${name}-control`;
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("role", "group");
    svg.setAttribute("aria-label", what.label);
    const canvas = klDrawing.canvas(svg);
    const [readout, note, table] = ["dl", "p", "table"].map((tag) => element(tag));
    // A table may be wider than a phone: it scrolls by itself, by finger and by key.
    const scrolled = { class: "explorer-table", tabindex: 0, role: "region", "aria-label": "The numbers" };
    const folded = element("details", {}, element("summary", {}, "The numbers"));
    folded.append(element("div", scrolled, table));
    const settings = element("p", { class: "explorer-settings" }); // for paper, which has no controls
    const status = element("p", { role: "status", class: "explorer-status" });
    const told = element("p", { "aria-live": "polite", class: "explorer-told" });
    const starting = Object.fromEntries(what.controls.map((c) => [c.name, c.value]));
    let state = addressed(name, what.controls);
    let timer;
    let parts = {};

    function draw() {
      const numbers = what.compute(state);
      canvas.resize(svg.parentElement.clientWidth || 640);
      what.draw(canvas, numbers, state, explorer);
      canvas.finish();
      const lines = what.readout(numbers, state);
      readout.replaceChildren(
        ...lines.map(([words, value, unit = ""]) => {
          const data = element("data", { value: String(value) }, shown(value));
          return element("div", {}, element("dt", {}, words), element("dd", {}, data, ` ${unit}`));
        }),
      );
      note.textContent = what.note?.(numbers, state) ?? "";
      if (what.table) fill(table, what.table(numbers, state));
      for (const [key, { show }] of Object.entries(parts)) show(state[key]);
      settings.textContent = what.controls.map((c) => setting(c, state[c.name])).filter(Boolean).join(", ");
      return lines;
    }
    function tell(lines) {
      clearTimeout(timer);
      timer = setTimeout(() => {
        const said = lines.map(([words, value, unit = ""]) => `${words} ${shown(value)} ${unit}`);
        told.textContent = [...said, note.textContent].filter(Boolean).join(", ").replace(/‖/g, " to ");
      }, QUIET);
    }

    const explorer = {
      get state() {
        return state;
      },
      /* Change some of the state, and everything that shows it. */
      set(change) {
        const next = { ...state, ...change };
        state = what.settle ? what.settle(next, state) : next;
        status.textContent = "";
        tell(draw());
      },
    };
    async function copy() {
      const address = link(name, what.controls, state, anchor);
      const box = element("input", { readonly: "", "aria-label": "Link to this state" });
      box.value = address;
      status.replaceChildren("Copy this link: ", box);
      box.select();
      // Only a secure page has a clipboard, and its reader may refuse.
      await navigator.clipboard?.writeText(address).then(
        () => status.replaceChildren("Copied: ", box),
        () => box.focus(),
      );
    }

    parts = Object.fromEntries(
      what.controls
        .filter(({ kind }) => kind !== "list")
        .map((c) => [c.name, control(c, id, (value = state[c.name]) => explorer.set({ [c.name]: value }))]),
    );
    const row = (buttons) => element("div", { class: "explorer-buttons" }, ...buttons.map(button));
    function button({ label, press }) {
      const made = element("button", { type: "button" }, label);
      made.addEventListener("click", () => press(explorer));
      return made;
    }
    const controls = element("div", { class: "explorer-controls" });
    controls.append(...Object.values(parts).map(({ field }) => field));
    root.setAttribute("role", "group");
    root.setAttribute("aria-label", what.label);
    root.replaceChildren(
      element("div", { class: "explorer-picture" }, svg),
      // Whoever presses "Step" wants to see the picture, on a phone too.
      ...(what.buttons ? [row(what.buttons)] : []),
      ...[readout, note, settings, controls, ...(what.table ? [folded] : []), told],
      row([
        { label: "Reset", press: () => explorer.set(starting) },
        { label: "Copy link", press: copy },
      ]),
      status,
    );
    state = what.settle ? what.settle(state, starting) : state;
    draw();
    let width = svg.parentElement.clientWidth;
    new ResizeObserver(() => {
      if (svg.parentElement.clientWidth !== width && svg.parentElement.clientWidth) draw();
      width = svg.parentElement.clientWidth;
    }).observe(svg.parentElement);
    if (location.hash && location.hash === `#${anchor}`) root.closest("figure").scrollIntoView();
  }

  /* A control and its value in words, as paper shows them. Lists have no name: the picture shows them. */
  function setting({ kind, label, options }, value) {
    if (kind === "list") return "";
    if (kind === "check") return `${label}: ${value ? "yes" : "no"}`;
    const words = kind === "choice" ? options.find(([key]) => key === value)[1] : String(value).replace("-", "−");
    return `${label}: ${words}`;
  }

  function fill(table, [heading, ...rows]) {
    const cells = (tag, row) => row.map((cell) => element(tag, {}, shown(cell)));
    table.replaceChildren(
      element("thead", {}, element("tr", {}, ...cells("th", heading))),
      element("tbody", {}, ...rows.map((row) => element("tr", {}, ...cells("td", row)))),
    );
  }

  function define(name, what) {
    defined[name] = what;
    for (const root of document.querySelectorAll(`[data-explorer="${name}"]`)) {
      mount(root, name, what);
    }
  }
  return Object.freeze({ define, defined, shown });
})();
