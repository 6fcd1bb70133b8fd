/**
 * Who is signed in. The refresh token is an HttpOnly cookie that scripts can't read;
 * the access and identity tokens live in memory only and die with the page.
 */

const SESSION = "/api/users/session/";
const FRESH = 5_000;

/** The server answered, and the answer was no. */
export class Refused extends Error {
  /** @param {number} status @param {any} body */
  constructor(status, body) {
    super(body?.detail ?? `HTTP ${status}`);
    this.status = status;
    this.body = body;
  }
}

export class Session {
  /** @type {{ id: number, username: string, is_superuser: boolean } | null} */
  user = null;
  #access = "";
  #identity = "";
  #issuedAt = 0;
  /** @type {Promise<boolean> | null} */
  #renewal = null;

  /** @param {string} username @param {string} password */
  async signIn(username, password) {
    this.#accept(await exchange("POST", SESSION, { username, password }));
  }

  /** Tokens for the session that the cookie stands for; false when there is none. */
  resume() {
    this.#renewal ??= this.#renew().finally(() => {
      this.#renewal = null;
    });
    return this.#renewal;
  }

  /** A new identity token, or null when the session has ended. */
  async identity() {
    const fresh = this.#identity && Date.now() - this.#issuedAt < FRESH;
    if (!fresh && !(await this.resume())) return null;
    const identity = this.#identity;
    this.#identity = "";
    return identity;
  }

  /** End the session of this browser, or everything of this user everywhere. @param {boolean} everywhere */
  async signOut(everywhere) {
    await exchange("DELETE", everywhere ? `${SESSION}everywhere/` : SESSION);
    this.forget();
  }

  forget() {
    this.user = null;
    this.#access = this.#identity = "";
  }

  /**
   * Call the API as this user.
   * @param {string} method
   * @param {string} path
   * @param {string} [body] JSON text
   * @param {AbortSignal} [signal] ends the wait for an answer
   */
  async call(method, path, body, signal) {
    try {
      return await exchange(method, path, body, this.#access, signal);
    } catch (error) {
      if (!(error instanceof Refused) || error.status !== 401 || !(await this.resume())) throw error;
      return exchange(method, path, body, this.#access, signal);
    }
  }

  async #renew() {
    try {
      const answer = await exchange("POST", `${SESSION}refresh/`, {});
      // Somebody else signed in on another tab: this page's session is over.
      if (this.user && answer.user.id !== this.user.id) return false;
      this.#accept(answer);
      return true;
    } catch (error) {
      if (error instanceof Refused && error.status === 401) return false;
      throw error;
    }
  }

  /** @param {any} answer */
  #accept({ access, identity, user }) {
    this.#access = access;
    this.#identity = identity;
    this.#issuedAt = Date.now();
    this.user = user;
  }
}

/**
 * @param {string} method
 * @param {string} path
 * @param {object | string} [body] an object, or JSON text that must arrive unchanged
 * @param {string} [access]
 * @param {AbortSignal} [signal]
 */
async function exchange(method, path, body, access, signal) {
  /** @type {Record<string, string>} */
  const headers = { Accept: "application/json" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (access) headers.Authorization = `Bearer ${access}`;
  const text = typeof body === "object" ? JSON.stringify(body) : body;
  const answer = await fetch(path, { method, headers, body: text, cache: "no-store", signal });
  const content = await answer.json().catch(() => null);
  if (!answer.ok) throw new Refused(answer.status, content);
  return content;
}
