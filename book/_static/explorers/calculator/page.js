// The calculator on its page: two boxes, a few options, the report, and the state in the address.
//
// The state stands after # in the address, which no browser sends to anyone.
(function (kl) {
  "use strict";

  const { element, sections } = kl.showing;

  const EXAMPLES = {
    "Logits taken for probabilities": { p: "[0.2, 0.5, 0.3]", q: "[1.3, 0.2, -0.4]" },
    "A zero in q": { p: "0.5 0.3 0.2", q: "0.6 0.4 0" },
    "0 · log 0": { p: "0 0.5 0.5", q: "0 0.25 0.75" },
    "A nan": { p: "0.2 0.5 0.3", q: "0.3 nan 0.3" },
    "Log-probabilities": {
      p: "[0.2, 0.5, 0.3]", q: "[-1.2039728, -0.9162907, -1.2039728]",
    },
    Counts: { p: "cat 12\ndog 7\ncow 1", q: "dog 9\ncat 11\nhen 2" },
    "A batch, transposed": {
      p: "0.2 0.7 0.1\n0.8 0.3 0.9", q: "0.5 0.6 0.2\n0.5 0.4 0.8",
    },
    "Almost equal": {
      p: "[0.2, 0.5, 0.3]", q: "[0.20000000012, 0.49999999991, 0.29999999997]",
    },
  };
  const [FIRST] = Object.keys(EXAMPLES);
  const START = { ...EXAMPLES[FIRST], axis: "-1", normalize: false, base: "" };
  const MARK = "#calculator?";
  const NAMES = { p: "p, the reference", q: "q, the approximation" };

  /** What an address asks for; what it does not name is as at the start. */
  function stateIn(hash) {
    if (!hash.startsWith(MARK)) return { ...START };
    const asked = new URLSearchParams(hash.slice(MARK.length));
    const text = (name) => (asked.has(name) ? asked.get(name) : START[name]);
    return {
      p: text("p"), q: text("q"), axis: text("axis"), base: text("base"),
      normalize: asked.get("normalize") === "true",
    };
  }

  function addressOf(state) {
    const asked = new URLSearchParams();
    for (const name of Object.keys(START)) {
      if (state[name] !== START[name]) asked.set(name, String(state[name]));
    }
    return MARK + asked;
  }

  /** The base that was typed, as diagnose takes it. */
  function baseOf(text) {
    const typed = text.trim();
    if (!typed) return null;
    const x = Number(typed);
    const isWhole = /^[+-]?\d+$/.test(typed);
    return { x, text: Number.isNaN(x) ? kl.wording.repr(typed) : kl.wording.literal(x, isWhole) };
  }

  const id = (name) => `calculator-${name}`;

  function field(name, words, input, ...more) {
    input.id = id(name);
    const label = element("label", { for: id(name) }, words);
    const both = input.type === "checkbox" ? [input, label] : [label, input];
    return element("div", { class: "calculator-field" }, ...both, ...more);
  }

  function choice(options) {
    return element("select", {}, ...options.map(([value, text]) =>
      element("option", { value }, text)));
  }

  function mount(root) {
    const boxes = {};
    const faults = {};
    const verdict = element("p", { role: "status", class: "calculator-verdict" });
    const report = element("div", { class: "calculator-report" });
    const told = element("p", { class: "calculator-told", role: "status" });
    const axis = choice([
      ["-1", "rows are distributions"],
      ["0", "columns are (axis=0)"],
      ["1", "axis=1 holds the categories"],
    ]);
    const normalize = element("input", { type: "checkbox" });
    const base = element("input", { inputmode: "decimal", placeholder: "none", autocomplete: "off" });
    const example = choice([["", "your own"], ...Object.keys(EXAMPLES).map((name) => [name, name])]);

    function box(name) {
      boxes[name] = element("textarea", {
        rows: "5", spellcheck: "false", autocapitalize: "off", autocomplete: "off",
        "aria-describedby": id(`${name}-fault`),
      });
      faults[name] = element("p", { class: "calculator-fault", id: id(`${name}-fault`) });
      const file = element("input", { type: "file", "aria-label": `A file with ${name}` });
      file.accept = ".csv,.json,.txt,.npy,.tsv,text/*";
      file.addEventListener("change", () => take(name, file.files[0]));
      boxes[name].addEventListener("paste", () => setTimeout(run));
      boxes[name].addEventListener("input", () => { told.textContent = ""; });
      boxes[name].addEventListener("keydown", (event) => {
        if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
          event.preventDefault();
          run();
        }
      });
      const whole = field(name, NAMES[name], boxes[name], faults[name], file);
      whole.addEventListener("dragover", (event) => event.preventDefault());
      whole.addEventListener("drop", (event) => {
        const [dropped] = event.dataTransfer.files;
        if (!dropped) return;
        event.preventDefault();
        take(name, dropped);
      });
      return whole;
    }

    async function take(name, file) {
      if (!file) return;
      try {
        boxes[name].value = await kl.files.textOfFile(file);
      } catch (error) {
        if (!(error instanceof kl.ParseError)) throw error;
        refuse(name, error.message);
        return;
      }
      run();
    }

    const state = () => ({
      p: boxes.p.value, q: boxes.q.value, axis: axis.value, normalize: normalize.checked,
      base: base.value,
    });

    function show(next) {
      [boxes.p.value, boxes.q.value, base.value] = [next.p, next.q, next.base];
      axis.value = next.axis;
      if (axis.selectedIndex < 0) axis.value = START.axis;
      normalize.checked = next.normalize;
      run();
    }

    function refuse(name, message) {
      faults[name].textContent = `${name}: ${message}`;
      boxes[name].setAttribute("aria-invalid", "true");
      verdict.className = "calculator-verdict invalid";
      verdict.textContent = `${NAMES[name]}, cannot be read: ${message}.`;
      report.replaceChildren();
    }

    /** What stands in a box; null, and said there, if it cannot be read. */
    function readBox(name) {
      faults[name].textContent = "";
      boxes[name].removeAttribute("aria-invalid");
      try {
        return kl.parse(boxes[name].value);
      } catch (error) {
        if (!(error instanceof kl.ParseError)) throw error;
        refuse(name, error.message);
        return null;
      }
    }

    /** One box may hold both, as {"p": ..., "q": ...}. */
    function spread() {
      for (const [name, other] of [["p", "q"], ["q", "p"]]) {
        if (boxes[other].value.trim() && boxes[other].value !== boxes[name].value) continue;
        const both = boxes[name].value.trim() && readBox(name);
        if (!both || both.type !== "pair" || both.p.type !== "array" || both.q.type !== "array") {
          continue;
        }
        boxes.p.value = kl.files.textOfArray(both.p.array);
        boxes.q.value = kl.files.textOfArray(both.q.array);
        return;
      }
    }

    /** Which example stands in the boxes, if one does. */
    function nameExample() {
      const same = Object.keys(EXAMPLES).find((name) =>
        EXAMPLES[name].p === boxes.p.value && EXAMPLES[name].q === boxes.q.value);
      example.value = same || "";
    }

    function run() {
      told.textContent = "";
      nameExample();
      spread();
      const given = ["q", "p"].map(readBox).reverse(); // the last fault that is said is that of p
      const pair = given.findIndex((x) => x && x.type === "pair");
      if (pair >= 0) {
        refuse(["p", "q"][pair], "it holds p and q; empty the other box, or paste one of them");
        return;
      }
      if (given.includes(null)) return;
      const found = kl.diagnose(...given, {
        axis: Number(axis.value), normalize: normalize.checked, base: baseOf(base.value),
      });
      verdict.className = `calculator-verdict ${found.status}`;
      verdict.textContent = found.verdict;
      report.replaceChildren(...sections(found));
      const address = addressOf(state());
      if (address.length < 8000 && (address !== MARK || location.hash.startsWith(MARK))) {
        history.replaceState(null, "", address);
      }
    }

    async function copy() {
      const address = new URL(addressOf(state()), location.href).href;
      const shown = element("input", { readonly: "", "aria-label": "Link to this state" });
      shown.value = address;
      told.replaceChildren("The link holds the numbers. Copy it: ", shown);
      shown.select();
      // Only a secure page has a clipboard, and its reader may refuse.
      if (!navigator.clipboard) return;
      await navigator.clipboard.writeText(address).then(
        () => told.prepend("Copied. "),
        () => shown.focus(),
      );
    }

    const button = (words, press, more = {}) => {
      const made = element("button", { type: "button", ...more }, words);
      made.addEventListener("click", press);
      return made;
    };
    const swap = () => show({ ...state(), p: boxes.q.value, q: boxes.p.value });
    example.addEventListener("change", () => {
      show(example.value ? { ...START, ...EXAMPLES[example.value] } : { ...START, p: "", q: "" });
      if (!example.value) boxes.p.focus();
    });
    for (const control of [axis, normalize, base]) control.addEventListener("change", run);

    root.setAttribute("role", "group");
    root.setAttribute("aria-label", "Calculator: what is wrong with p and q, and their divergences");
    root.replaceChildren(
      field("example", "Example", example),
      element("div", { class: "calculator-boxes" }, box("p"), box("q")),
      element("div", { class: "calculator-options" },
        field("axis", "In a table", axis),
        field("base", "One more base of the logarithm", base),
        field("normalize", "Divide counts by their sums (normalize=True)", normalize)),
      element("div", { class: "explorer-buttons" },
        button("Diagnose", run, { class: "calculator-main" }),
        button("Swap p and q", swap),
        button("Copy link", copy)),
      told,
      verdict,
      report,
    );
    show(stateIn(location.hash));
    window.addEventListener("hashchange", () => {
      if (location.hash.startsWith(MARK)) show(stateIn(location.hash));
    });
  }

  for (const root of document.querySelectorAll('[data-explorer="calculator"]')) mount(root);
})((window.klCalculator = window.klCalculator || {}));
