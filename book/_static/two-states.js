// The interactive figure of two normal states: numbers in `compute`, words in `sentence`, the rest moves SVG parts.
// First frame, axes and ranges come from Python (hallucination.two_states), which computes the same numbers.
(function () {
  "use strict";

  function compute({ separation, weight, width, delta }) {
    const means = [-separation / 2, separation / 2];
    const E = weight * means[0] + (1 - weight) * means[1];
    const peak = 1 / (width * Math.sqrt(2 * Math.PI));
    const densities = means.map((m) => peak * Math.exp(-0.5 * ((E - m) / width) ** 2));
    const radius = peak > delta ? width * Math.sqrt(2 * Math.log(peak / delta)) : 0;
    return { means, E, peak, densities, radius, hallucinates: Math.max(...densities) <= delta, vacuous: peak <= delta };
  }

  function number(x) {
    const text = x !== 0 && Math.abs(x) < 0.001 ? x.toExponential(1) : x.toPrecision(3);
    return text.replace("-", "\u2212");
  }

  function sentence(settings) {
    const s = compute(settings);
    const [f1, f2] = s.densities;
    const verdict = s.hallucinates ? "not above" : "above";
    return `The mean is E = ${number(s.E)}. Its density is ${number(f1)} under state 1 and ${number(f2)} under state 2. ` +
      `The larger, ${number(Math.max(f1, f2))}, is ${verdict} \u03b4 = ${number(settings.delta)}: ` +
      `the mean ${s.hallucinates ? "\u03b4-hallucinates" : "does not \u03b4-hallucinate"}. ` +
      (s.vacuous ? "But both states are vacuous: no answer at all exceeds \u03b4." : "Both states have answers above \u03b4.");
  }

  function attach(figure) {
    const box = JSON.parse(figure.dataset.box); // x, y: ranges of the data; left, right, top, bottom: pixels
    const inputs = [...figure.querySelectorAll("input")];
    const part = (name) => figure.querySelector("." + name);
    const px = (x) => box.left + ((x - box.x[0]) / (box.x[1] - box.x[0])) * (box.right - box.left);
    const clamp = (y) => Math.min(Math.max(y, box.y[0] - 1), box.y[1]);
    const py = (y) => box.bottom - ((clamp(y) - box.y[0]) / (box.y[1] - box.y[0])) * (box.bottom - box.top);

    function read() {
      const value = (i) => Number(i.dataset.exact ?? i.value);
      const s = Object.fromEntries(inputs.map((i) => [i.name, value(i)]));
      return { separation: s.separation, weight: s.weight, width: s.width, delta: 10 ** s.delta };
    }

    function curve(mean, width, peak) {
      const xs = Array.from({ length: 161 }, (_, k) => box.x[0] + (k / 160) * (box.x[1] - box.x[0]));
      const y = (x) => Math.log10(peak) - (0.5 * ((x - mean) / width) ** 2) / Math.LN10;
      return "M" + xs.map((x) => `${px(x).toFixed(1)},${py(y(x)).toFixed(1)}`).join("L");
    }

    function draw() {
      const settings = read();
      const s = compute(settings);
      s.means.forEach((m, i) => {
        part(`curve-${i + 1}`).setAttribute("d", curve(m, settings.width, s.peak));
        part(`name-${i + 1}`).setAttribute("transform", `translate(${px(m)},${py(Math.log10(s.peak))})`);
        part(`region-${i + 1}`).setAttribute("x", px(m - s.radius));
        part(`region-${i + 1}`).setAttribute("width", px(m + s.radius) - px(m - s.radius));
      });
      part("delta").setAttribute("transform", `translate(0,${py(Math.log10(settings.delta))})`);
      part("mean").setAttribute("transform", `translate(${px(s.E)},0)`);
      part("live-text").textContent = sentence(settings);
      inputs.forEach((i) => {
        const text = number(settings[i.name]);
        i.setAttribute("aria-valuetext", text);
        figure.querySelector(`output[for="${i.id}"]`).textContent = text;
      });
    }

    inputs.forEach((i) => i.addEventListener("input", () => { delete i.dataset.exact; draw(); }));
    part("live-controls").hidden = false;
    draw();
  }

  if (typeof module !== "undefined") {
    module.exports = { compute, sentence };
  } else {
    const start = () => document.querySelectorAll(".two-states").forEach(attach);
    if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
    else start();
  }
})();
