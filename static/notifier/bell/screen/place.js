const GAP = 6;
const EDGE = 8;

/**
 * Put a box of the top layer at a button: below it, or above where there is more room, its end at
 * the button's end (`"start"`: its start at the button's), and all of it on the screen.
 * @param {HTMLElement} box @param {Element} button @param {string} [alignment]
 */
export function place(box, button, alignment = "end") {
  const at = button.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = box;
  const rightToLeft = getComputedStyle(box).direction === "rtl";
  const atRight = (alignment === "end") !== rightToLeft;
  const { innerWidth, innerHeight } = window;
  const below = innerHeight - at.bottom >= height + GAP || at.top < innerHeight - at.bottom;
  const left = atRight ? at.right - width : at.left;
  box.style.left = `${Math.max(EDGE, Math.min(left, innerWidth - width - EDGE))}px`;
  box.style.top = `${below ? at.bottom + GAP : Math.max(EDGE, at.top - height - GAP)}px`;
}
