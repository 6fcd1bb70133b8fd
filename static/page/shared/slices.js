/** Long work in short slices, so that the page stays usable meanwhile. */

const SLICE = 12;

/**
 * @param {Iterable<unknown>} steps each of them short
 * @param {() => boolean} [wanted] asked after each pause: whether to go on
 */
export async function inSlices(steps, wanted = () => true) {
  let until = performance.now() + SLICE;
  for (const _ of steps) {
    // Nobody waits for a hidden page, whose timers are slow.
    if (document.hidden || performance.now() < until) continue;
    await new Promise((resolve) => setTimeout(resolve));
    if (!wanted()) return;
    until = performance.now() + SLICE;
  }
}
