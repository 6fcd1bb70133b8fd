/**
 * Somebody whom the application lets in: it opens the page with `#token=` and an identity
 * token. The token lives in memory only. Nobody signs in or out here, and nobody is a superuser.
 */
import { Refused, exchange } from "./session.js";

const MARK = "#token=";

/** Whoever the address brings. It is read once: nobody who looks at it later finds a token. */
export function guestOfAddress() {
  const { hash, pathname, search } = location;
  if (!hash.startsWith(MARK)) return null;
  history.replaceState(null, "", pathname + search);
  return new Guest(hash.slice(MARK.length));
}

/** The application may open the page again where it is open. */
export function watchAddress() {
  addEventListener("hashchange", () => location.hash.startsWith(MARK) && location.reload());
}

export class Guest {
  /** @type {{ id?: number, username: string, is_superuser: false } | null} */
  user = null;
  #token;

  /** @param {string} token */
  constructor(token) {
    this.#token = token;
  }

  /** Whose notifications, as the client wants it. */
  get whose() {
    const { id, username = "" } = this.user ?? {};
    return id === undefined ? { user: username } : { userId: id };
  }

  /** Whether the server still takes the token: it knows the time, and of revocations. */
  async resume() {
    if (!this.#token) return false;
    try {
      const { user, user_id: id } = await exchange("GET", "/api/users/me/", undefined, this.#token);
      this.user = { id, username: user ?? `#${id}`, is_superuser: false };
      return true;
    } catch (error) {
      if (error instanceof Refused && error.sessionEnded) return false;
      throw error;
    }
  }

  async identity() {
    return (await this.resume()) ? this.#token : null;
  }

  forget() {
    this.user = null;
    this.#token = "";
  }
}
