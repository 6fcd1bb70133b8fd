/** What superusers have beside their feed: sending, and a look at the server. */
import { LiveView } from "./live.js";
import { SendForm } from "./send.js";

const WIDE = "(min-width: 68rem)";

export class Tools {
  #live;

  /** @param {HTMLElement} place @param {import("../session/session.js").Session} session */
  constructor(place, session) {
    this.place = place;
    this.#live = new LiveView(session);
    const panels = [this.#live.element, new SendForm(session).element];
    for (const panel of panels) panel.open = matchMedia(WIDE).matches;
    place.replaceChildren(...panels);
    place.hidden = false;
    this.#live.start();
  }

  /** @param {boolean} connected */
  setConnected(connected) {
    this.#live.setConnected(connected);
  }

  close() {
    this.#live.stop();
    this.place.replaceChildren();
    this.place.hidden = true;
  }
}
