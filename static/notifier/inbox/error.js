/** @typedef {import("../../notifier-inbox.d.ts").InboxError} PublicError */

/**
 * A request that failed, in the server's words where it gave some.
 * @implements {PublicError}
 */
export class InboxError extends Error {
  name = "InboxError";

  /** @param {string} message @param {{ status?: number, code?: string, cause?: unknown }} [details] */
  constructor(message, { status = 0, code = "", cause } = {}) {
    super(message, { cause });
    this.status = status;
    this.code = code;
  }

  /** What an answer says went wrong. @param {number} status @param {string} text */
  static of(status, text) {
    const { detail, code, ...faults } = members(text);
    const words = detail ?? Object.entries(faults).map(([field, why]) => `${field}: ${[why].flat().join(" ")}`).join(" ");
    return new InboxError(String(words || `The server answered ${status}.`), { status, code: String(code ?? "") });
  }
}

/** @param {string} text @returns {Record<string, unknown>} */
function members(text) {
  try {
    return { ...JSON.parse(text) };
  } catch {
    return {};
  }
}
