// How a report reads: the blocks of kl_lib/diagnosis/rendering.py, in the same words.
//
// A block is {title, sentences} or {title, header, rows, note}.
(function (kl) {
  "use strict";

  const { arrays, wording } = kl;
  const { count, entries, index, number, percent } = wording;

  function blocks(report) {
    const found = [];
    const add = (title, sentences) =>
      found.push({ title, sentences, header: [], rows: [], note: "" });
    const table = (block) => found.push({ sentences: [], ...block });
    if (report.problems.length) add("What is wrong", report.problems.map(problem));
    if (report.remedies.length) add("What you can do", report.remedies.map((x) => x.message));
    if (report.notes.length) add("What to know", report.notes.map((x) => x.message));
    add("Input", [...report.arguments.map(argument), ...size(report)]);
    if (report.summaries.length && report.rows !== 1) table(summaries(report));
    if (report.measures.length) table(measures(report));
    if (report.terms.length) table(terms(report));
    if (report.mismatches.length) {
      add("Zeros that do not match", report.mismatches.map(mismatch));
    }
    if (report.answers.length) {
      const isOrdered = report.arguments.some((x) => x.reordered);
      table({
        title: `Other libraries on the same input${isOrdered ? ", its labels aligned" : ""}`,
        header: ["library", "call", "answer"],
        rows: report.answers.map((x) => [x.version || x.library, x.call || "", answer(x)]),
        note: "",
      });
    }
    return found;
  }

  function problem({ kind, message, count: n }) {
    if ((n || 0) < 2 || kind === "logarithms") return message;
    const things = kind === "sum" || kind === "empty" ? "rows" : "entries";
    return `${message} (the first of ${n} such ${things})`;
  }

  function argument(a) {
    if (a.shape === null) return `${a.name}: cannot be read as numbers`;
    let text = `${a.name}: ${a.dtype}, shape ${wording.tuple(a.shape)}`;
    if (a.minimum !== null) {
      text += `, from ${number(a.minimum)} to ${number(a.maximum)}, ${count(a.zeros, "zero")}`;
      if (a.nans) text += `, ${a.nans} nan`;
    }
    if (a.sums !== null) {
      const [low, high] = a.sums.map((x) => number(x, 9));
      text += low === high ? `, sums ${low}` : `, sums from ${low} to ${high}`;
    }
    return text + (a.reordered ? "; put in the order of the labels of p" : "");
  }

  function size(report) {
    if (report.rows === null) return [];
    const batch = report.shape.length > 1 ? ` (batch ${wording.tuple(report.shape)})` : "";
    const categories = count(report.categories, "category", "categories");
    const divided = report.normalize ? "; counts divided by their sums" : "";
    const rows = count(report.rows, "row");
    return [`${rows}${batch} of ${categories} on axis ${report.axis}${divided}`];
  }

  function measures(report) {
    let title = "The numbers";
    if (report.row.length && report.rows !== 1) {
      title = `The row with the largest KL(p‖q): row ${index(report.row)}`;
    }
    const based = report.measures[0].in_base !== null;
    return {
      title,
      header: ["", "nats", "bits", ...(based ? [`base ${number(report.base)}`] : [])],
      rows: report.measures.map((m) =>
        [m.name, ...[m.nats, m.bits, ...(based ? [m.in_base] : [])].map((x) => number(x))]),
      note: "",
    };
  }

  function summaries(report) {
    const isInfinite = report.summaries.some((x) => x.infinite);
    return {
      title: `Over ${count(report.rows, "row")}`,
      header: ["", "unit", "min", "mean", "max", "infinite"],
      rows: report.summaries
        .filter((x) => x.unit === "nats" || x.name.startsWith("KL"))
        .map((x) => [
          x.name,
          x.unit,
          ...[x.minimum, x.mean, x.maximum].map((y) => number(y, 5)),
          String(x.infinite),
        ]),
      note: isInfinite ? "The mean is that of the finite rows." : "",
    };
  }

  function terms(report) {
    let note = "";
    if (report.carried !== null) {
      note = `${report.terms.length} of ${count(report.categories, "category", "categories")}, `
        + `${percent(report.carried)} of the sum. A share is that of p log(p/q) - p + q: the sum is `
        + "the same, and no part is negative.";
    }
    return {
      title: "Categories that carry most of KL(p‖q)",
      header: ["category", "p", "q", "p log(p/q), nats", "share"],
      rows: report.terms.map((x) => [
        x.label === null ? String(x.index) : `${x.index} ${x.label}`,
        ...[x.p, x.q, x.term].map((y) => number(y)),
        x.share === null ? "" : percent(x.share),
      ]),
      note,
    };
  }

  function mismatch(m) {
    const places = m.places.map(index).join(", ");
    const more = m.count > m.places.length ? ", ..." : "";
    const isBatch = m.places[0].length > 1;
    const rows = isBatch ? ` in ${count(m.rows, "row")}` : "";
    const [side] = m.name;
    const effect = side === "p" ? "KL(p‖q)" : "KL(q‖p)";
    return `${m.name}: ${entries(m.count)}${rows}, at ${places}${more}; ${side} has `
      + `${number(m.mass)} there${isBatch ? " in one row" : ""}, so ${effect} is infinite`;
  }

  function answer(x) {
    if (x.message !== null) return x.message;
    const reasons = x.reasons.map((reason) => reason.message).join("; ");
    const why = x.status === "agrees" ? "agrees" : reasons;
    return why ? `${answered(x)}: ${why}` : answered(x);
  }

  /** What was answered: one number, one row of many, or the first numbers of a shape. */
  function answered(x) {
    if (x.value === null || x.expected === null) {
      const numbers = x.values.map((y) => number(y)).join(", ");
      if (!x.shape.length) return numbers;
      const more = arrays.sizeOf(x.shape) > x.values.length ? ", ..." : "";
      return `[${numbers}${more}], shape ${wording.tuple(x.shape)}`;
    }
    if (x.status === "agrees") return x.row.length ? "every row" : number(x.value);
    const digits = wording.digitsApart(x.value, x.expected);
    const [value, expected] = [x.value, x.expected].map((y) => number(y, digits));
    if (!x.row.length) return value;
    const rows = count(x.differing, "row differs", "rows differ");
    return `${rows}; row ${index(x.row)}: ${value}, not ${expected}`;
  }

  kl.blocks = blocks;
})((window.klCalculator = window.klCalculator || {}));
