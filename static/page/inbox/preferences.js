/** What this browser's user prefers; kept in local storage and shared by its tabs. */

const STORE = "notifier.preferences";

/** @type {Record<string, string | boolean>} */
const defaults = {
  order: "newest",
  follow: false,
  exactTime: false,
  protocol: false,
  images: false,
  sound: false,
  desktop: false,
  shortcuts: true,
};

export class Preferences extends EventTarget {
  #values = { ...defaults };

  constructor() {
    super();
    this.#load();
    addEventListener("storage", ({ key }) => {
      if (key !== STORE) return;
      this.#load();
      this.#announce();
    });
  }

  /** @param {string} name */
  get(name) {
    return this.#values[name];
  }

  /** @param {string} name @param {string | boolean} value */
  set(name, value) {
    this.#values[name] = value;
    try {
      localStorage.setItem(STORE, JSON.stringify(this.#values));
    } catch {
      // A browser that forbids storage still has preferences until the page is left.
    }
    this.#announce();
  }

  /** Tie the switches that name a preference to it. @param {ParentNode} root */
  bind(root) {
    const inputs = /** @type {NodeListOf<HTMLInputElement>} */ (
      root.querySelectorAll("input[data-preference]")
    );
    const show = () => {
      for (const input of inputs) {
        const value = this.get(input.dataset.preference ?? "");
        input.checked = input.type === "radio" ? input.value === value : value === true;
      }
    };
    for (const input of inputs) {
      input.addEventListener("change", () => {
        this.set(input.dataset.preference ?? "", input.type === "radio" ? input.value : input.checked);
      });
    }
    this.addEventListener("change", show);
    show();
  }

  #load() {
    try {
      this.#values = { ...defaults, ...JSON.parse(localStorage.getItem(STORE) ?? "{}") };
    } catch {
      this.#values = { ...defaults };
    }
  }

  #announce() {
    this.dispatchEvent(new Event("change"));
  }
}
