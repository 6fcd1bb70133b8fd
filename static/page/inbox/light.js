/** The connection light: a colour, and the words for it. */
import { byId } from "../shared/dom.js";
import { words } from "../shared/language.js";

/** @typedef {import("../../notifier.js").Status} Status */

export class Light {
  #timer = 0;
  #state = "";

  /** @param {Status} status */
  show(status) {
    clearInterval(this.#timer);
    byId("light").dataset.state = status.state;
    byId("reconnect").hidden = status.retryAt === undefined;
    byId("light-text").textContent = describe(status);
    // Said aloud once per change; the seconds that follow are only shown.
    if (status.state !== this.#state) byId("announcer").textContent = describe(status);
    this.#state = status.state;
    if (status.retryAt === undefined) return;
    this.#timer = window.setInterval(() => {
      byId("light-text").textContent = describe(status);
    }, 500);
  }
}

/** @param {Status} status */
function describe({ state, retryAt = 0 }) {
  const seconds = Math.max(1, Math.ceil((retryAt - Date.now()) / 1_000));
  if (state === "reconnecting") return words.reconnectingIn(seconds);
  if (state === "offline") return words.offlineRetry(seconds);
  if (state === "connected") return words.connected;
  return state === "closed" ? words.closed : words.connecting;
}
