/** How a bell looks. Colours follow the page's `color-scheme`; the page sets the properties below. */

const CSS = `
:host {
  --_accent: var(--notifier-accent, light-dark(#1d5fd1, #8ab4ff));
  --_background: var(--notifier-background, light-dark(#fff, #1c1f24));
  --_text: var(--notifier-text, light-dark(#1b1f24, #e9ecf0));
  --_muted: var(--notifier-muted, light-dark(#59616b, #a3acb8));
  --_border: var(--notifier-border, light-dark(#dfe3e8, #363b43));
  --_hover: var(--notifier-hover, light-dark(#f2f5f9, #262a31));
  --_unread: var(--notifier-unread, light-dark(#eff5ff, #202a3a));
  --_badge: var(--notifier-badge, light-dark(#c8261b, #c8261b));
  --_radius: var(--notifier-radius, 12px);
  --_red: light-dark(#b3261e, #ff9d94); --_amber: light-dark(#8a5300, #f5be5b); --_green: light-dark(#146c43, #7ad7a4);
  display: inline-block;
}
:host([hidden]) { display: none }
* { box-sizing: border-box }
[hidden] { display: none !important }
button, a { font: inherit; color: inherit; letter-spacing: inherit }
button { background: none; border: 0; padding: 0; cursor: pointer; border-radius: 8px }
:focus-visible { outline: 2px solid var(--_accent); outline-offset: -2px }
.icon, .level, .drawing { width: 1.25em; height: 1.25em; fill: none; stroke: currentColor; stroke-width: 2; stroke-linecap: round; stroke-linejoin: round; flex: none }
.unseen-text { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap }
.button { position: relative; display: grid; place-items: center; width: 2.5em; height: 2.5em; border-radius: 50%; font-size: var(--notifier-size, 1rem) }
.button:hover { background: color-mix(in srgb, currentColor 10%, transparent) }
.button .icon { width: 1.5em; height: 1.5em }
.badge { position: absolute; inset-block-start: 0; inset-inline-start: 52%; min-width: 1.6em; padding: 0 .4em; border-radius: 1em; background: var(--_badge); color: var(--notifier-badge-text, #fff); font: 700 .7em/1.6 var(--notifier-font, system-ui, sans-serif); font-variant-numeric: tabular-nums; text-align: center }
.popover, .toasts { position: fixed; margin: 0; padding: 0; border: 0; color: var(--_text); font: 400 .9375rem/1.45 var(--notifier-font, system-ui, sans-serif); text-align: start }
.popover { inset: auto; width: var(--notifier-width, 400px); max-width: calc(100vw - 16px); height: var(--notifier-height, 560px); max-height: calc(100dvh - 72px); background: var(--_background); border: 1px solid var(--_border); border-radius: var(--_radius); box-shadow: 0 12px 40px #0003; overflow: hidden }
.popover[open] { display: flex; flex-direction: column; animation: appear .12s ease-out }
.popover::backdrop { background: none }
@keyframes appear { from { opacity: 0; translate: 0 -6px } }
.header { display: flex; align-items: center; gap: 4px; padding: 10px 10px 6px 16px; padding-inline: 16px 10px }
.headline { flex: 1; margin: 0; font-size: 1.0625rem; font-weight: 650 }
.tool { display: grid; place-items: center; width: 32px; height: 32px; color: var(--_muted) }
.tool:hover { background: color-mix(in srgb, currentColor 14%, transparent); color: var(--_text) }
.tabs { display: flex; gap: 4px; padding: 0 12px; border-block-end: 1px solid var(--_border); overflow-x: auto; scrollbar-width: none; flex: none }
.tab { padding: 8px 8px 7px; color: var(--_muted); white-space: nowrap; border-radius: 8px 8px 0 0; border-block-end: 2px solid transparent }
.tab[aria-selected=true] { color: var(--_text); font-weight: 600; border-block-end-color: var(--_accent) }
.tab:hover { color: var(--_text) }
.offline { margin: 0; padding: 6px 16px; background: light-dark(#fff4db, #3a2f17); color: light-dark(#5f3b00, #f7d491); font-size: .8125rem }
.panel { position: relative; flex: 1; min-height: 0; display: flex; flex-direction: column }
.scroll { overflow-y: auto; overflow-anchor: none; overscroll-behavior: contain; min-height: 0; flex: 0 1 auto; height: 100% }
.list { list-style: none; margin: 0; padding: 0; outline: none }
.fresh { position: absolute; z-index: 2; inset-block-start: 10px; inset-inline: 0; margin-inline: auto; width: fit-content; padding: 5px 14px; border-radius: 20px; background: var(--_accent); color: light-dark(#fff, #0b1220); font-weight: 600; font-size: .8125rem; box-shadow: 0 3px 12px #0004 }
.fresh:focus-visible { outline-color: var(--_text); outline-offset: 2px }
.day { margin: 0; padding: 12px 16px 4px; font-size: .75rem; font-weight: 600; color: var(--_muted) }
.row { position: relative; display: flex; gap: 10px; padding: 10px 16px 10px 10px; padding-inline: 10px 14px; border-block-end: 1px solid color-mix(in srgb, var(--_border) 60%, transparent) }
.row:hover { background: var(--_hover) }
.row-unread { background: var(--_unread) }
.inner .row { padding-inline-start: 32px }
.dot { flex: none; width: 8px; height: 8px; margin-block-start: .45em; border-radius: 50% }
.row-unread .dot { background: var(--_accent) }
.content { flex: 1; min-width: 0; overflow-wrap: anywhere }
.heading { display: flex; gap: 6px; align-items: flex-start }
.title { flex: 1; display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 3; overflow: hidden; text-decoration: none }
.title, .body { text-align: match-parent }
.row-unread .title, .toast .title { font-weight: 600 }
.link::after { content: ""; position: absolute; inset: 0 }
.row:has(.link:hover) .link { text-decoration: underline; text-underline-offset: 2px }
.body { display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 3; overflow: hidden; margin: 2px 0 0; color: var(--_muted); white-space: pre-line }
.json { margin: 2px 0 0; max-height: 6em; overflow: hidden; white-space: pre-wrap; font: .8125rem/1.4 ui-monospace, monospace; color: var(--_muted) }
.image { display: block; margin-block-start: 8px; max-width: 100%; max-height: 160px; border-radius: 8px }
.sign { flex: none } img.sign { width: 1.35em; height: 1.35em; border-radius: 4px }
.level { margin-block-start: .1em }
.level.info { color: var(--_accent) } .level.success { color: var(--_green) } .level.warning { color: var(--_amber) } .level.error { color: var(--_red) }
.priority { flex: none; padding: 0 7px; margin-block-start: .15em; border: 1px solid; border-radius: 10px; font-size: .75rem; line-height: 1.5; font-weight: 600; color: var(--_muted) }
.priority.low { font-weight: 400 } .priority.high { color: var(--_amber) } .priority.urgent { color: light-dark(#fff, #29100d); background: var(--_red); border-color: var(--_red) }
.meta { margin: 3px 0 0; color: var(--_muted); font-size: .8125rem }
.actions { display: flex; flex-wrap: wrap; gap: 6px; margin-block-start: 8px }
.action, .again { position: relative; z-index: 1; padding: 4px 12px; border: 1px solid var(--_border); background: var(--_background); font-size: .8125rem; font-weight: 600; text-decoration: none; border-radius: 8px }
.action:hover, .again:hover { border-color: currentColor }
.action.primary { background: var(--_accent); border-color: var(--_accent); color: light-dark(#fff, #0b1220) }
.action.primary:focus-visible { outline-offset: 2px }
.action.danger { color: var(--_red) }
.unfold { position: relative; z-index: 1; display: inline-flex; align-items: center; gap: 4px; margin-block-start: 4px; color: var(--_accent); font-size: .8125rem; font-weight: 600 }
.unfold .icon { transition: rotate .15s } .unfold[aria-expanded=true] .icon { rotate: 180deg }
.tools .tool { width: 30px; height: 28px }
.tools { position: absolute; z-index: 1; inset-block-end: 3px; inset-inline-end: 8px; display: flex; border-radius: 8px; background: var(--_hover); opacity: 0 }
.row:hover .tools, .row:focus-within .tools, .row:focus .tools { opacity: 1 }
.state { display: grid; justify-items: center; align-content: center; gap: 6px; padding: 32px 24px; text-align: center; color: var(--_muted); flex: 1 }
.state p { margin: 0 } .state-title { color: var(--_text); font-weight: 600 }
.drawing { width: 44px; height: 44px; stroke-width: 1.25; opacity: .6 }
.again { margin-block-start: 6px; color: var(--_text) }
.notice { display: flex; align-items: center; gap: 12px; padding: 10px 16px; background: light-dark(#23272e, #e9ecf0); color: light-dark(#fff, #1b1f24) }
.notice span { flex: 1 } .undo { font-weight: 650; text-decoration: underline; text-underline-offset: 3px; padding: 2px 6px } .undo:focus-visible { outline-color: currentColor }
.menu { position: fixed; inset: auto; margin: 0; padding: 6px; border: 1px solid var(--_border); border-radius: 10px; background: var(--_background); color: var(--_text); box-shadow: 0 8px 28px #0003; font: inherit }
.choice { display: flex; justify-content: space-between; gap: 24px; width: 100%; padding: 7px 10px; text-align: start }
.choice:hover, .choice:focus { background: var(--_hover) } .when { color: var(--_muted); font-size: .8125rem }
.toasts { inset: auto; inset-block-end: 16px; inset-inline-end: 16px; width: min(360px, calc(100vw - 32px)); background: none; overflow: visible }
.toast { position: relative; display: flex; gap: 10px; align-items: flex-start; margin-block-start: 10px; padding: 12px 8px 12px 14px; padding-inline: 14px 8px; background: var(--_background); border: 1px solid var(--_border); border-radius: var(--_radius); box-shadow: 0 8px 28px #0003; animation: appear .15s ease-out }
.toast .tool { position: relative; z-index: 1; margin-block-start: -5px }
@media (hover: none) { .tools { opacity: 1; background: none } .meta { min-height: 30px; padding-block-start: 8px } }
@media (max-width: 520px) { .popover { inset: 0 !important; width: 100vw; max-width: none; height: 100dvh; max-height: none; border: 0; border-radius: 0 } .tool { width: 40px; height: 40px } .tools .tool { width: 40px; height: 34px } .tab { padding: 10px 10px 9px } }
@media (prefers-reduced-motion: reduce) { * { animation: none !important; transition: none !important } }
@media (forced-colors: active) { .row-unread .dot, .badge { forced-color-adjust: none } }
`;

/** @type {CSSStyleSheet | undefined} */
let sheet;

/** One for all bells; made when the first one is there, because a program has no style sheets. */
export function styles() {
  if (!sheet) {
    sheet = new CSSStyleSheet();
    sheet.replaceSync(CSS);
  }
  return sheet;
}
