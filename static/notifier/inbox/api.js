import { InboxError } from "./error.js";
import { listed } from "./item.js";

/**
 * @typedef {import("../../notifier.d.ts").Environment} Environment
 * @typedef {import("../../notifier.d.ts").InboxChange} InboxChange
 * @typedef {import("../../notifier-inbox.d.ts").Counts} Counts
 * @typedef {import("./access.js").Access} Access
 * @typedef {import("./filter.js").Filter} Filter
 * @typedef {import("./verb.js").Verb} Verb
 * @typedef {{ version: number, changed: boolean }} Answer
 */

// Browsers take 64 KiB, of all such requests under way.
const MOST_KEPT_ALIVE = 20_000;

/** What can be asked over HTTP. Everything rejects with an InboxError. */
export class Api {
  #environment;
  #access;
  #url;
  #deadline;

  /** @param {Environment} environment @param {Access} access @param {string} url @param {number} deadline */
  constructor(environment, access, url, deadline) {
    this.#environment = environment;
    this.#access = access;
    this.#url = url.replace(/^ws/i, "http").replace(/\/$/, "");
    this.#deadline = deadline;
  }

  /** @param {Filter} filter @param {number | null} before @param {number} limit */
  async page(filter, before, limit) {
    const query = new URLSearchParams({ ...filter.parameters, limit: String(limit) });
    if (before !== null) query.set("before", String(before));
    const text = await this.#ask(`?${query}`);
    const answer = parsed(text);
    return {
      items: listed(answer.items, text),
      before: /** @type {number | null} */ (answer.before),
      seq: /** @type {number} */ (answer.seq),
      version: /** @type {number} */ (answer.version),
    };
  }

  /** @returns {Promise<Counts>} */
  async count() {
    return parsed(await this.#ask("count/"));
  }

  /** @param {number} after a version @returns {Promise<Counts & { changes: InboxChange[] }>} */
  async changes(after) {
    return parsed(await this.#ask(`changes/?after=${after}`));
  }

  /** @param {Verb | "undo"} verb @param {object} body @returns {Promise<Answer>} */
  async change(verb, body) {
    return parsed(await this.#ask(`${verb}/`, JSON.stringify(body)));
  }

  /** @param {string} path @param {string} [body] */
  async #ask(path, body) {
    const token = await this.#token();
    const answer = await this.#send(path, body, token);
    if (answer.status !== 401) return told(answer);
    return told(await this.#send(path, body, await this.#token(token)));
  }

  /** @param {string | null} [refused] */
  async #token(refused) {
    try {
      return await this.#access.current(refused);
    } catch (error) {
      throw error instanceof InboxError ? error : new InboxError(`No token: ${words(error)}`, { cause: error });
    }
  }

  /** @param {string} path @param {string | undefined} body @param {string} token */
  async #send(path, body, token) {
    const { fetch, setTimeout, clearTimeout } = this.#environment;
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(new Error("too slow")), this.#deadline);
    const headers = { Authorization: `Bearer ${token}`, ...(body && { "Content-Type": "application/json" }) };
    try {
      const answer = await fetch(`${this.#url}/api/inbox/${path}`, {
        method: body ? "POST" : "GET",
        headers,
        body,
        // What was clicked away still arrives.
        keepalive: body !== undefined && body.length < MOST_KEPT_ALIVE,
        signal: late.signal,
      });
      return { status: answer.status, text: await answer.text() };
    } catch (error) {
      throw new InboxError(`The server can't be reached: ${words(error)}`, { cause: error });
    } finally {
      clearTimeout(timer);
    }
  }
}

/** @param {{ status: number, text: string }} answer */
function told({ status, text }) {
  if (status === 200) return text;
  throw InboxError.of(status, text);
}

/** @param {string} text @returns {any} */
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new InboxError("The answer isn't JSON: is this the server's address?", { status: 200, cause: error });
  }
}

/** @param {unknown} error */
function words(error) {
  return error instanceof Error ? error.message : String(error);
}
