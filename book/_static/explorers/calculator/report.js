// From any p and q to a report on them: kl_lib.diagnose.
(function (kl) {
  "use strict";

  const { arrays, habits, inputs, libraries, measures, remedies } = kl;

  const NOTHING = {
    problems: [], shape: null, rows: null, categories: null, row: null, measures: [], terms: [],
    carried: null, summaries: [], mismatches: [], rounding: null, notes: [], answers: [],
    remedies: [],
  };

  /** What `kl_lib.diagnose(p, q, ...)` says; p and q as parse.js reads them.
   *
   * `base` is null or {x, text}: the number, and how it was written.
   */
  function diagnose(givenP, givenQ, options = {}) {
    const { axis = -1, base = null, normalize = false, asked = libraries.NAMES } = options;
    let p = inputs.read(givenP, "p");
    let q = inputs.read(givenQ, "q");
    const both = inputs.paired(p, q, axis);
    const problems = inputs.problems(p, q, axis, base, normalize);
    const about = { ...NOTHING, axis, base: base && base.x, normalize };
    if (both !== null) {
      [p, q] = inputs.inOrder(p, q, both, axis);
      const shape = arrays.broadcastShape(...both.arrays.map((x) => x.shape));
      about.categories = shape.pop();
      Object.assign(about, { shape, rows: arrays.sizeOf(shape) });
    }
    about.arguments = [p, q].map((argument) => inputs.summary(argument, axis));
    const isValid = both !== null && !problems.length;
    const measured = isValid && about.rows ? measures.measure(both, normalize) : null;
    const exact = isValid ? arrays.make(measured ? measured.exact : [], about.shape) : null;
    const kinds = problems.map((x) => x.kind);
    about.answers = answersOf(asked, p, q, axis, exact, kinds);
    if (!isValid) {
      const found = remedies.forInvalid(p, q, axis, normalize, problems);
      const verdict = invalid(problems);
      return { ...about, status: "invalid", verdict, problems, remedies: found };
    }
    if (measured === null) {
      return { ...about, status: "fine", verdict: "No rows: there is nothing to compare." };
    }
    return {
      ...about,
      status: measured.exact.includes(Infinity) ? "infinite" : "fine",
      remedies: remedies.forValid(measured, p, q, axis),
      ...measures.reportFields(measured, base, about.arguments),
    };
  }

  function invalid(problems) {
    const wrong = new Set(problems.map((x) => x.argument));
    const unusable = ["axis", "base"].filter((name) => wrong.has(name));
    if (unusable.length) return `No KL: ${unusable.join(" and ")} cannot be used.`;
    if (wrong.has("p and q")) return "No KL: p and q do not pair up.";
    if (wrong.has("p") && wrong.has("q")) return "No KL: neither p nor q is a distribution.";
    return `No KL: ${wrong.has("p") ? "p" : "q"} is not a distribution.`;
  }

  function answersOf(asked, p, q, axis, exact, kinds) {
    const isUsable = !(p.fault || q.fault || kinds.includes("axis"));
    const question = isUsable ? habits.question(p.array, q.array, axis) : null;
    const faults = [...new Set(kinds)].filter((kind) => kind !== "axis" && kind !== "base");
    return asked.flatMap((name) => libraries.ask(name, question, exact, faults));
  }

  kl.diagnose = diagnose;
})((window.klCalculator = window.klCalculator || {}));
