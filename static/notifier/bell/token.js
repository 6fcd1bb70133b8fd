/**
 * Asks the application for a token of whoever is signed in there.
 *
 * The answer is `{"identity": "…"}` or the bare token. 401 means that nobody is signed in: null.
 * Anything else but success is an exception, after which the client tries again later.
 * @param {string} address relative to the page
 * @returns {Promise<string | null>}
 */
export async function fetchToken(address) {
  const answer = await fetch(new URL(address, document.baseURI), {
    headers: { Accept: "application/json, text/plain" },
    cache: "no-store",
  });
  if (answer.status === 401) return null;
  if (!answer.ok) throw new Error(`${address} answers ${answer.status}.`);
  const text = (await answer.text()).trim();
  return text.startsWith("{") ? JSON.parse(text).identity : text.replace(/^"|"$/g, "");
}
