const GUESS = 84;

/**
 * Where each row of a list begins, in pixels: measured for what has been on the screen, guessed
 * for the rest by the average of what was.
 */
export class Heights {
  /** What was measured, by the ids of rows. @type {Map<string, number>} */
  #known = new Map();
  #sum = 0;
  #sizes = new Float64Array(0);
  #offsets = new Float64Array(1);

  /** @param {readonly { id: string }[]} rows */
  arrange(rows) {
    const guess = this.#known.size ? this.#sum / this.#known.size : GUESS;
    this.#sizes = Float64Array.from(rows, ({ id }) => this.#known.get(id) ?? guess);
    this.#offsets = new Float64Array(rows.length + 1);
    this.#add(0);
  }

  /** Take note of what was measured, the first row first. @param {{ id: string, index: number, height: number }[]} measured */
  learn(measured) {
    let first = Infinity;
    for (const { id, index, height } of measured) {
      if (this.#sizes[index] === height && this.#known.has(id)) continue;
      this.#sum += height - (this.#known.get(id) ?? 0);
      this.#known.set(id, height);
      this.#sizes[index] = height;
      first = Math.min(first, index);
    }
    if (first < Infinity) this.#add(first);
  }

  get total() {
    return this.#offsets[this.#sizes.length];
  }

  /** Where a row begins. @param {number} index */
  top(index) {
    return this.#offsets[index];
  }

  /** The row at this height, or the nearest. @param {number} height */
  at(height) {
    let [low, high] = [0, this.#sizes.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#offsets[middle] <= height) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** @param {number} first */
  #add(first) {
    for (let index = first; index < this.#sizes.length; index++) {
      this.#offsets[index + 1] = this.#offsets[index] + this.#sizes[index];
    }
  }
}
