import { styleSheet } from "./dom.js";

/** How the button looks. Colours follow the page's `color-scheme`; the page sets `--notifier-…`. */
export const styles = styleSheet(`
:host {
  --_accent: var(--notifier-accent, light-dark(#1d5fd1, #8ab4ff));
  --_font: var(--notifier-font, system-ui, sans-serif);
  display: inline-block;
}
:host([hidden]) { display: none }
[hidden] { display: none !important }
* { box-sizing: border-box }
button, a { font: inherit; color: inherit; letter-spacing: inherit }
button { background: none; border: 0; padding: 0; cursor: pointer; border-radius: 8px }
:focus-visible { outline: 2px solid var(--_accent); outline-offset: -2px }
.icon, .level, .drawing { width: 1.25em; height: 1.25em; fill: none; stroke: currentColor; stroke-width: 2; stroke-linecap: round; stroke-linejoin: round; flex: none }
.unseen-text { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap }
.button { position: relative; display: grid; place-items: center; width: 2.5em; height: 2.5em; border-radius: 50%; font-size: var(--notifier-size, 1rem) }
.button:hover { background: color-mix(in srgb, currentColor 10%, transparent) }
.button[aria-busy=true] { opacity: .6; cursor: progress }
.button .icon { width: 1.5em; height: 1.5em }
.badge { position: absolute; inset-block-start: 0; inset-inline-start: 52%; min-width: 1.6em; padding: 0 .4em; border-radius: 1em; background: var(--notifier-badge, #c8261b); color: var(--notifier-badge-text, #fff); font: 700 .7em/1.6 var(--_font); font-variant-numeric: tabular-nums; text-align: center }
@media (forced-colors: active) { .badge { forced-color-adjust: none } }
`);
