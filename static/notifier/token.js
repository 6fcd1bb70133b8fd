/** An identity token, as far as a client looks into it. */

export const JWT = /^[\w-]+\.[\w-]+\.[\w-]+$/;

/**
 * Milliseconds until a JWT should be replaced: a margin before its expiry. A clock
 * that is wrong must not lead to a refresh loop, so where it contradicts the
 * token's own lifetime, the lifetime counts.
 * @param {string} token
 * @param {number} now Unix time in milliseconds
 */
export function refreshIn(token, now) {
  const { exp, iat } = claims(token);
  if (typeof exp !== "number") return Infinity;
  const left = exp * 1_000 - now;
  const lifetime = typeof iat === "number" ? (exp - iat) * 1_000 : left;
  const remaining = left > 0 && left < lifetime ? left : lifetime;
  return Math.max(0, remaining - Math.min(60_000, remaining / 5));
}

/** @param {string} token */
function claims(token) {
  try {
    return JSON.parse(atob(token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/")));
  } catch {
    return {};
  }
}
