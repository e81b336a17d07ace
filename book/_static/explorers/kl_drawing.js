/* Drawing of explorers: a canvas is an SVG that is redrawn at every change, and is as wide as its place,
   so that its text is as large as the page's. Classes give the colours (kl_explorer.css): p, q, m,
   positive, negative, faint, axis. Handles stay in place while all else is redrawn: they have the focus. */
"use strict";

const klDrawing = (() => {
  const SVG = "http://www.w3.org/2000/svg";

  function shape(tag, attributes, text) {
    const made = document.createElementNS(SVG, tag);
    for (const [key, value] of Object.entries(attributes)) {
      if (value !== undefined) made.setAttribute(key, value);
    }
    if (text !== undefined) made.textContent = text;
    return made;
  }
  const round = (x) => Math.round(x * 100) / 100;

  /* Round numbers from low to high, about as many as asked for. */
  function ticks(low, high, about = 5) {
    const rough = (high - low) / about;
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map((digit) => digit * power).find((size) => size >= rough * 0.999);
    const first = Math.ceil(low / step - 1e-9);
    const last = Math.floor(high / step + 1e-9);
    return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
  }

  function canvas(svg) {
    const [drawing, grips] = [shape("g", { "aria-hidden": "true" }), shape("g", {})];
    svg.append(drawing, grips);
    const handles = new Map();
    let used = new Set();
    let last; // the handle before: a new one follows it, so that Tab goes from left to right
    const made = {
      svg,
      width: 640,
      height: 0,
      /* Called before each drawing: empties it. */
      resize(width) {
        made.width = width;
        drawing.replaceChildren();
        used = new Set();
        last = undefined;
      },
      /* How high the drawing is; call it first. */
      tall(height) {
        made.height = height;
        svg.setAttribute("viewBox", `0 0 ${made.width} ${height}`);
      },
      finish() {
        for (const [key, { group }] of handles) {
          if (!used.has(key)) {
            group.remove();
            handles.delete(key);
          }
        }
      },
      add(tag, attributes, text) {
        const part = shape(tag, attributes, text);
        drawing.append(part);
        return part;
      },
      text(x, y, words, { anchor = "middle", kind = "" } = {}) {
        return made.add("text", { x: round(x), y: round(y), "text-anchor": anchor, class: kind }, words);
      },
      line(points, kind) {
        return made.add("polyline", { points: points.map((p) => p.map(round).join()).join(" "), class: `line ${kind}` });
      },
      /* The area between a curve and the height `base`. */
      area(points, base, kind) {
        if (!points.length) return undefined;
        const ends = [[points[points.length - 1][0], base], [points[0][0], base]];
        const corners = [...points, ...ends].map((p) => p.map(round).join()).join(" ");
        return made.add("polygon", { points: corners, class: `area ${kind}` });
      },
      bar(x, y, width, height, kind) {
        const box = { x: round(x), y: round(y), width: round(width), height: round(Math.max(height, 0)) };
        return made.add("rect", { ...box, class: `bar ${kind}` });
      },
      frame: (options) => frame(made, options),
      handle(key, options) {
        used.add(key);
        if (!handles.has(key)) {
          handles.set(key, handle(made));
          const { group } = handles.get(key);
          if (last) last.after(group);
          else grips.prepend(group);
        }
        last = handles.get(key).group;
        handles.get(key).update(options);
      },
    };
    return made;
  }

  /* Axes in a part of the canvas, and where a point of the data lies in it. `x` and `y` are [least, most]. */
  function frame(canvas, { x, y, top, height, left = 46, right = 8, xTicks, yTicks, xLabel, yLabel }) {
    const width = canvas.width - left - right;
    const at = {
      left,
      top,
      width,
      height,
      bottom: top + height,
      x: (value) => left + ((value - x[0]) / (x[1] - x[0])) * width,
      y: (value) => top + height - ((value - y[0]) / (y[1] - y[0])) * height,
      fromX: (place) => x[0] + ((place - left) / width) * (x[1] - x[0]),
      fromY: (place) => y[0] + ((top + height - place) / height) * (y[1] - y[0]),
    };
    const number = (value) => String(value).replace("-", "−");
    for (const value of yTicks ?? ticks(...y, Math.max(2, Math.round(height / 45)))) {
      canvas.line([[left, at.y(value)], [left + width, at.y(value)]], value === 0 ? "axis" : "grid");
      canvas.text(left - 6, at.y(value) + 4, number(value), { anchor: "end" });
    }
    for (const value of xTicks ?? ticks(...x, Math.round(width / 70))) {
      canvas.line([[at.x(value), at.bottom], [at.x(value), at.bottom + 4]], "axis");
      canvas.text(at.x(value), at.bottom + 18, number(value));
    }
    if (xLabel) canvas.text(left + width / 2, at.bottom + 36, xLabel);
    if (yLabel) canvas.text(left, top - 8, yLabel, { anchor: "start", kind: "strong" });
    return at;
  }

  /* Something to drag: { x, y, kind, drag(x, y, start) } by pointer and touch; with `slider`, { label,
     min, max, now, step, text, set(value) }, by keyboard and for screen readers, too. Without, it must
     do what a control does as well. `start` is what `grab()` gave when the dragging began. */
  function handle(canvas) {
    const group = shape("g", {});
    group.append(shape("circle", { r: 16, class: "reach" }), shape("circle", { r: 7, class: "grip" }));
    let options;
    let start;
    const place = (event) => {
      const box = canvas.svg.getBoundingClientRect();
      const scale = canvas.width / box.width;
      return [(event.clientX - box.left) * scale, (event.clientY - box.top) * scale];
    };
    group.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      event.preventDefault(); // no text is selected
      group.setPointerCapture(event.pointerId);
      group.focus();
      start = options.grab?.();
    });
    // A finger drags the handle and not the page: browsers ignore touch-action inside an SVG.
    group.addEventListener("touchstart", (event) => event.preventDefault(), { passive: false });
    group.addEventListener("pointermove", (event) => {
      if (group.hasPointerCapture(event.pointerId)) options.drag(...place(event), start);
    });
    group.addEventListener("keydown", (event) => {
      if (!options.slider || event.ctrlKey || event.altKey || event.metaKey) return;
      const { min, max, now, step } = options.slider;
      const to = {
        ...{ ArrowUp: now + step, ArrowRight: now + step, ArrowDown: now - step, ArrowLeft: now - step },
        ...{ PageUp: now + 10 * step, PageDown: now - 10 * step, Home: min, End: max },
      }[event.key];
      if (to === undefined) return;
      event.preventDefault(); // the page stays
      options.slider.set(Math.min(max, Math.max(min, to)));
    });
    return {
      group,
      update(next) {
        options = next;
        group.setAttribute("transform", `translate(${round(next.x)} ${round(next.y)})`);
        group.setAttribute("class", `handle ${next.kind}`);
        if (!next.slider) {
          group.setAttribute("aria-hidden", "true");
          return;
        }
        const { label, min, max, now, text } = next.slider;
        const says = { label, valuemin: min, valuemax: max, valuenow: now, valuetext: text };
        for (const [key, value] of Object.entries(says)) group.setAttribute(`aria-${key}`, value);
        group.setAttribute("role", "slider");
        group.setAttribute("tabindex", "0");
      },
    };
  }

  return Object.freeze({ canvas, ticks });
})();
