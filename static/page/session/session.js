/**
 * Who is signed in. The refresh token is an HttpOnly cookie that scripts can't read;
 * the access and identity tokens live in memory only and die with the page.
 */

const SESSION = "/api/users/session/";
const FRESH = 5_000;
// Longer than an attempt to connect: an answer that is late for one serves the next.
const RENEWAL_DEADLINE = 30_000;

/** The answer was no: the server's, or that of a proxy before it. */
export class Refused extends Error {
  /** @param {number} status @param {any} body @param {number} [retryAfter] seconds to wait, if it said so */
  constructor(status, body, retryAfter) {
    super(body?.detail ?? `HTTP ${status}`);
    this.status = status;
    this.body = body;
    this.retryAfter = retryAfter;
  }

  /** Nobody signs in here: the users are an application's. */
  get nobodySignsIn() {
    return this.body?.code === "no_accounts";
  }

  /** A proxy has a 401 of its own, but not the server's words. */
  get sessionEnded() {
    return this.status === 401 && this.body?.code === "token_not_valid";
  }
}

export class Session {
  /** @type {{ id: number, username: string, is_superuser: boolean } | null} */
  user = null;
  #access = "";
  #identity = "";
  #issuedAt = 0;
  /** All who need new tokens meanwhile share it. @type {Promise<string | null> | null} */
  #renewal = null;
  #abandon = new AbortController();

  /** Whose notifications, as the client wants it. */
  get whose() {
    return { userId: this.user?.id ?? 0 };
  }

  /** @param {string} username @param {string} password */
  async signIn(username, password) {
    this.forget();
    this.#accept(await exchange("POST", SESSION, { username, password }));
  }

  /** Tokens for the session that the cookie stands for; false when there is none. */
  async resume() {
    return (await this.#renewed()) !== null;
  }

  /** A new identity token, or null when the server says that the session has ended. */
  async identity() {
    const fresh = this.#identity && Date.now() - this.#issuedAt < FRESH;
    const identity = fresh ? this.#identity : await this.#renewed();
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
    // Its answer is about a session that is over, and its cookie must not replace a newer one.
    this.#abandon.abort();
  }

  /**
   * Call the API as this user.
   * @param {string} method
   * @param {string} path
   * @param {string} [body] JSON text
   * @param {AbortSignal} [signal] ends the wait for an answer
   * @param {(answer: Response) => Promise<any>} [read] what is made of the answer
   */
  async call(method, path, body, signal, read) {
    try {
      return await exchange(method, path, body, this.#access, signal, read);
    } catch (error) {
      if (!(error instanceof Refused) || error.status !== 401 || !(await this.resume())) throw error;
      return exchange(method, path, body, this.#access, signal, read);
    }
  }

  #renewed() {
    this.#renewal ??= this.#renew();
    return this.#renewal;
  }

  /** The identity token that came with the new tokens, or null when the session has ended. */
  async #renew() {
    const abandon = new AbortController();
    this.#abandon = abandon;
    const timer = setTimeout(() => abandon.abort(new Error("The server doesn't answer.")), RENEWAL_DEADLINE);
    try {
      const answer = await exchange("POST", `${SESSION}refresh/`, {}, "", abandon.signal);
      abandon.signal.throwIfAborted();
      // Somebody else signed in on another tab: this page's session is over.
      if (this.user && answer.user.id !== this.user.id) return null;
      this.#accept(answer);
      return this.#identity;
    } catch (error) {
      if (error instanceof Refused && error.sessionEnded) return null;
      throw error;
    } finally {
      clearTimeout(timer);
      this.#renewal = null;
    }
  }

  /** @param {any} answer */
  #accept({ access, identity, user }) {
    if (!access || !identity || !user) throw new TypeError("The answer is not a session.");
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
 * @param {(answer: Response) => Promise<any>} [read]
 */
export async function exchange(method, path, body, access, signal, read = (answer) => answer.json()) {
  /** @type {Record<string, string>} */
  const headers = { Accept: "application/json" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (access) headers.Authorization = `Bearer ${access}`;
  const text = typeof body === "object" ? JSON.stringify(body) : body;
  const answer = await fetch(path, { method, headers, body: text, cache: "no-store", signal });
  if (!answer.ok) {
    const retryAfter = Number(answer.headers.get("Retry-After")) || undefined;
    throw new Refused(answer.status, await answer.json().catch(() => null), retryAfter);
  }
  return answer.status === 204 ? null : read(answer);
}
