/** @typedef {import("./item.js").Item} Item */

/** Items in the order of the log, the newest first, found by their places. */
export class List {
  /** Always the same array. @type {Item[]} */
  items = [];

  get newest() {
    return this.items[0]?.seq ?? 0;
  }

  /** @param {Item} item */
  has(item) {
    return this.#find(item) >= 0;
  }

  /** Put one in the place of its former self. @param {Item} item @returns whether it was there */
  replace(item) {
    const place = this.#find(item);
    if (place >= 0) this.items[place] = item;
    return place >= 0;
  }

  /** @param {Item} item @returns whether it was there */
  remove(item) {
    const place = this.#find(item);
    if (place >= 0) this.items.splice(place, 1);
    return place >= 0;
  }

  /** Those that are newer than all that are here go on top at once. @param {Iterable<Item>} items */
  insert(items) {
    const sorted = [...items].sort((a, b) => b.seq - a.seq);
    const { newest } = this;
    const older = sorted.filter(({ seq }) => seq < newest);
    for (const item of older) this.items.splice(this.#place(item.seq), 0, item);
    this.items.unshift(...sorted.slice(0, sorted.length - older.length));
  }

  /** @param {readonly Item[]} items */
  become(items) {
    this.items.length = 0;
    for (const item of items) this.items.push(item);
  }

  /** @param {Item} item */
  #find(item) {
    const place = this.#place(item.seq);
    return this.items[place]?.seq === item.seq ? place : -1;
  }

  /** How many are newer. @param {number} seq */
  #place(seq) {
    let [low, high] = [0, this.items.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.items[middle].seq > seq) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
