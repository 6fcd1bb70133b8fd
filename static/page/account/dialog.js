/** A person's own account: where it is signed in, and its password. */
import { label } from "../shared/language.js";
import { make } from "../shared/dom.js";
import { Devices } from "./devices.js";
import { words } from "./language.js";
import { PasswordForm } from "./password.js";

/** @typedef {import("../session/session.js").Session} Session */

/**
 * Show it. It removes itself when it is closed.
 * @param {Session} session
 * @param {() => void} everywhere signs out on all devices
 */
export function openAccount(session, everywhere) {
  const devices = new Devices(session, everywhere);
  const password = new PasswordForm(session, () => devices.load());
  const dialog = make("dialog", "account", head(), devices.element, password.element);
  dialog.setAttribute("aria-labelledby", "account-title");
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  devices.load();
  return dialog;
}

function head() {
  const title = make("h2", "", words.account);
  title.id = "account-title";
  const close = make("button", "icon", "✕");
  label(close, words.close);
  close.addEventListener("click", () => close.closest("dialog")?.close());
  return make("div", "account-head", title, close);
}
