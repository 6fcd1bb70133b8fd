import { JWT, refreshIn } from "../token.js";
import { InboxError } from "./error.js";

/** The token of whoever is signed in, for requests and for the line alike: asked for once. */
export class Access {
  #getToken;
  #now;
  /** @type {string | null} */
  #token = null;
  #freshUntil = 0;
  /** @type {Promise<string | null> | null} */
  #asking = null;

  /**
   * @param {() => string | null | undefined | Promise<string | null | undefined>} getToken
   * @param {() => number} now
   */
  constructor(getToken, now) {
    this.#getToken = getToken;
    this.#now = now;
  }

  /** A fresh one; null if nobody is signed in. Rejects as `getToken` does. */
  renew() {
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = null;
    });
    return this.#asking;
  }

  async #ask() {
    const getToken = this.#getToken;
    const token = (await getToken()) || null;
    this.#token = token;
    if (token && JWT.test(token)) this.#freshUntil = this.#now() + refreshIn(token, this.#now());
    else this.#freshUntil = 0;
    return token;
  }

  /** For a request. @param {string | null} refused one that does not hold, though it seemed to */
  async current(refused = null) {
    const held = this.#token !== refused && this.#now() < this.#freshUntil ? this.#token : null;
    const token = held ?? (await this.renew());
    if (!token) throw new InboxError("Nobody is signed in.", { status: 401, code: "signed_out" });
    if (!JWT.test(token)) throw new InboxError("What getToken gave is not a token (a JWT).");
    return token;
  }
}
