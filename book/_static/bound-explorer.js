// The interactive figure of the bounds: all numbers come from Python (hallucination.bound_explorer) in the page itself.
(function () {
  "use strict";

  const KEYS = ["truth", "printed", "product", "union", "moments"];
  const NAMES = ["product bound", "union bound", "bound for two states", "shifted bound", "moments", "none"];
  const STATES = [2, 3, 5, 10];

  function number(x) {
    const text = x !== 0 && Math.abs(x) < 0.001 ? x.toExponential(1) : x.toPrecision(3);
    return text.replace("-", "\u2212");
  }

  const raised = (k) => String(k).replace("-", "\u207b").replace(/\d/g, (d) => "\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079"[d]);

  function sentence(law, n, r, cell) {
    const [truth, printed, , , , best, name] = cell;
    const ours = best
      ? `Our best bound here is ${number(best)} (${NAMES[name]}), ${number(best / truth)} of it.`
      : "None of our bounds says more than 0 here.";
    const theirs = printed === null
      ? `The printed bound does not apply: d + r = ${number(1 / Math.sqrt(n) + r)} is not below \u221av = 1.`
      : `The printed bound is ${number(printed)}, too small by a factor of about 10${raised(Math.round(Math.log10(truth / printed)))}.`;
    return `Law: ${law}; N = ${n}, r = ${number(r)}. The probability P_H is ${number(truth)}. ${ours} ${theirs}`;
  }

  const lowest = (row) => 4 * Math.floor(Math.log10(Math.min(...row.flatMap((c) => c.slice(0, 5)).filter((v) => v))) / 4);

  function attach(figure) {
    const cells = JSON.parse(figure.dataset.cells);
    const radii = JSON.parse(figure.dataset.radii);
    const part = (name) => figure.querySelector("." + name);
    const [law, states, radius] = ["law", "states", "radius"].map((name) => figure.querySelector(`[name=${name}]`));
    const px = (r) => 64 + (r / radii[radii.length - 1]) * 542;

    function draw() {
      const row = cells[law.value][states.value];
      const at = Number(radius.value);
      const low = lowest(row);
      const py = (v) => 14 + (Math.log10(v) / low) * 266;
      KEYS.forEach((key, k) => {
        const pairs = row.map((c, i) => [i, c[k]]).filter(([, v]) => v);
        const place = ([i, v]) => `${px(radii[i]).toFixed(1)},${py(v).toFixed(1)}`;
        part("curve-" + key).setAttribute("d", pairs.length ? "M" + pairs.map(place).join("L") : "");
        const [value] = [row[at][k]];
        part("dot-" + key).innerHTML = value ? `<circle cx="${px(radii[at])}" cy="${py(value)}" r="4"/>` : "";
        part("value-" + key).textContent = value === null ? "not met" : number(value);
      });
      part("ticks").querySelectorAll("tspan").forEach((t, k) => { t.textContent = String((low * k) / 4).replace("-", "\u2212"); });
      part("at").setAttribute("transform", `translate(${px(radii[at])},0)`);
      radius.setAttribute("aria-valuetext", number(radii[at]));
      figure.querySelector(`output[for="${radius.id}"]`).textContent = number(radii[at]);
      part("live-text").textContent = sentence(law.selectedOptions[0].text, STATES[states.value], radii[at], row[at]);
    }

    [law, states, radius].forEach((control) => control.addEventListener("input", draw));
    part("live-controls").hidden = false;
    draw();
  }

  if (typeof module !== "undefined") {
    module.exports = { sentence, lowest };
  } else {
    const start = () => document.querySelectorAll(".bound-explorer").forEach(attach);
    if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
    else start();
  }
})();
