/** The browser as this client sees it; tests put their own clock and socket here. */
export function surroundings() {
  return {
    WebSocket: globalThis.WebSocket,
    BroadcastChannel: globalThis.document && globalThis.BroadcastChannel,
    locks: globalThis.navigator?.locks,
    origin: globalThis.location?.origin,
    online: () => globalThis.navigator?.onLine !== false,
    now: () => Date.now(),
    random: () => Math.random(),
    fetch: (/** @type {string} */ url, /** @type {RequestInit} */ request) => globalThis.fetch(url, request),
    setTimeout: (/** @type {() => void} */ action, /** @type {number} */ delay) =>
      globalThis.setTimeout(action, delay),
    clearTimeout: (/** @type {any} */ timer) => globalThis.clearTimeout(timer),
    onWake: listenForWake,
  };
}

/** @param {() => void} wake @returns {() => void} to stop listening */
function listenForWake(wake) {
  if (!globalThis.document) return () => {};
  const stop = new AbortController();
  const { signal } = stop;
  for (const event of ["online", "offline", "pageshow"]) addEventListener(event, wake, { signal });
  const look = () => document.visibilityState === "visible" && wake();
  document.addEventListener("visibilitychange", look, { signal });
  document.addEventListener("resume", wake, { signal });
  return () => stop.abort();
}
