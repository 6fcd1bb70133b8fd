/** What calls for attention: the tab's title, a desktop notification, a sound. */
import { linkAddress } from "../../notifier/bell/screen/link.js";
import { byId } from "../shared/dom.js";
import { words } from "../shared/language.js";
import { showUnseen } from "../shared/title.js";
import { headline } from "./entry.js";

/** @typedef {import("../../notifier-inbox.d.ts").Item} Item */
/** @typedef {import("./preferences.js").Preferences} Preferences */

const BURST = 16;
const CHIME_PAUSE = 1_500;
const LONGEST_TEXT = 200;

export class Alerts {
  /** @type {Item | null} the last of those that are not announced yet */
  #newest = null;
  #timer = 0;
  /** @type {AudioContext | undefined} */
  #audio;

  /** @param {Preferences} preferences */
  constructor(preferences) {
    this.preferences = preferences;
    preferences.addEventListener("change", () => this.#prepare());
    // Browsers let a page make sounds only after it was touched.
    for (const touch of ["pointerdown", "keydown"]) addEventListener(touch, () => this.#prepare());
    byId("desktop").addEventListener("change", () => byId("desktop").checked && this.#ask());
  }

  /** Of a burst the last is told. What has a low priority calls for none. @param {Item} item that just came */
  announce(item) {
    if (item.priority === "low") return;
    this.#newest = item;
    // A timer and no animation frame, because hidden tabs have none.
    this.#timer ||= window.setTimeout(() => this.#tell(), BURST);
  }

  /** @param {number} unseen notifications, on any device */
  count(unseen) {
    showUnseen(unseen);
  }

  clear() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    this.#newest = null;
    showUnseen(0);
  }

  #tell() {
    this.#timer = 0;
    const newest = this.#newest;
    if (!newest) return;
    const level = newest.message?.level;
    const said = level ? `${words.levels[level]}: ${headline(newest)}` : headline(newest);
    byId("announcer").textContent = words.announced(said);
    this.#chime();
    if (document.hidden && this.preferences.get("desktop") && allowed()) this.#show(newest);
  }

  /** @param {Item} item */
  #show({ key, message, raw }) {
    const title = (message?.title || words.untitled).slice(0, LONGEST_TEXT);
    const body = (message?.body ?? raw).slice(0, LONGEST_TEXT);
    // The tag makes several tabs show it once.
    const shown = new Notification(title, { body, tag: key, icon: "/static/icon.svg" });
    const url = linkAddress(message?.url);
    shown.onclick = () => {
      shown.close();
      window.focus();
      if (url) window.open(url.href, "_blank", "noopener,noreferrer");
    };
  }

  async #ask() {
    const hint = byId("desktop-hint");
    hint.textContent = "";
    if (!("Notification" in window) || !isSecureContext) {
      hint.textContent = words.desktopUnavailable;
    } else if ((await Notification.requestPermission()) === "granted") {
      return;
    } else {
      hint.textContent = words.desktopDenied;
    }
    this.preferences.set("desktop", false);
  }

  #prepare() {
    if (!this.preferences.get("sound")) return;
    this.#audio ??= new AudioContext();
    if (this.#audio.state === "suspended") this.#audio.resume();
  }

  /** One soft tone pair per burst, in one tab: the lock is held while others would ring too. */
  #chime() {
    const audio = this.#audio;
    if (!this.preferences.get("sound") || audio?.state !== "running") return;
    const ring = () => {
      tone(audio, 660, 0);
      tone(audio, 880, 0.12);
    };
    if (!navigator.locks) return ring();
    navigator.locks.request("notifier chime", { ifAvailable: true }, async (lock) => {
      if (!lock) return;
      ring();
      await new Promise((resolve) => setTimeout(resolve, CHIME_PAUSE));
    });
  }
}

function allowed() {
  return "Notification" in window && Notification.permission === "granted";
}

/** @param {AudioContext} audio @param {number} frequency in hertz @param {number} delay in seconds */
function tone(audio, frequency, delay) {
  const start = audio.currentTime + delay;
  const oscillator = audio.createOscillator();
  const volume = audio.createGain();
  oscillator.frequency.value = frequency;
  volume.gain.setValueAtTime(0, start);
  volume.gain.linearRampToValueAtTime(0.12, start + 0.02);
  volume.gain.exponentialRampToValueAtTime(0.001, start + 0.4);
  oscillator.connect(volume).connect(audio.destination);
  oscillator.start(start);
  oscillator.stop(start + 0.45);
}
