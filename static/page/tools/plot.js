/** Two lines over the last two minutes, drawn as SVG. */
import { locale, words } from "../shared/language.js";

const SVG = "http://www.w3.org/2000/svg";
const SAMPLES = 60;
const WIDTH = 300;
const HEIGHT = 80;
const LINES = /** @type {const} */ (["sends", "deliveries"]);

export class Plot {
  element = shape("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT + 4}`, class: "plot", role: "img" });
  #top = shape("text", { x: "2", y: "10" });
  #lines = LINES.map((name) => shape("polyline", { class: name, points: "" }));
  /** @type {[number, number][]} */
  #samples = [];

  constructor() {
    const floor = shape("line", { x1: "0", x2: `${WIDTH}`, y1: `${HEIGHT + 2}`, y2: `${HEIGHT + 2}` });
    this.element.append(floor, ...this.#lines, this.#top);
    this.#describe(0, 0);
  }

  /** @param {number} sends @param {number} deliveries per second */
  add(sends, deliveries) {
    this.#samples.push([sends, deliveries]);
    if (this.#samples.length > SAMPLES) this.#samples.shift();
    const most = ceiling(Math.max(1, ...this.#samples.flat()));
    this.#top.textContent = most.toLocaleString(locale);
    this.#lines.forEach((line, index) => {
      line.setAttribute("points", this.#points(index, most));
    });
    this.#describe(sends, deliveries);
  }

  /** @param {number} index @param {number} most */
  #points(index, most) {
    const start = SAMPLES - this.#samples.length;
    return this.#samples
      .map((sample, at) => {
        const x = ((start + at) * WIDTH) / (SAMPLES - 1);
        return `${x.toFixed(1)},${(HEIGHT + 2 - (sample[index] / most) * HEIGHT).toFixed(1)}`;
      })
      .join(" ");
  }

  /** @param {number} sends @param {number} deliveries */
  #describe(sends, deliveries) {
    const [now, then] = [sends, deliveries].map((rate) => Math.round(rate).toLocaleString(locale));
    this.element.setAttribute("aria-label", words.livePlot(now, then));
  }
}

/** The next of 1, 2, 5, 10, 20 … so that the scale seldom changes. @param {number} value */
export function ceiling(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((step) => step * power).find((step) => step >= value) ?? value;
}

/** @param {string} name @param {Record<string, string>} attributes */
function shape(name, attributes) {
  const element = document.createElementNS(SVG, name);
  for (const [attribute, value] of Object.entries(attributes)) element.setAttribute(attribute, value);
  return element;
}
