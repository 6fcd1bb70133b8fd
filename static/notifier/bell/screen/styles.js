import { styleSheet } from "../dom.js";

/** How everything else looks. */
export const styles = styleSheet(`
:host {
  --_background: var(--notifier-background, light-dark(#fff, #1c1f24));
  --_text: var(--notifier-text, light-dark(#1b1f24, #e9ecf0));
  --_muted: var(--notifier-muted, light-dark(#59616b, #a3acb8));
  --_border: var(--notifier-border, light-dark(#dfe3e8, #363b43));
  --_hover: var(--notifier-hover, light-dark(#f2f5f9, #262a31));
  --_unread: var(--notifier-unread, light-dark(#eff5ff, #202a3a));
  --_radius: var(--notifier-radius, 12px);
  --_on-accent: light-dark(#fff, #0b1220);
  --_red: light-dark(#b3261e, #ff9d94); --_amber: light-dark(#8a5300, #f5be5b); --_green: light-dark(#146c43, #7ad7a4);
}
.popover, .toasts, .menu { position: fixed; inset: auto; margin: 0; padding: 0; border: 0; color: var(--_text); font: 400 .9375rem/1.45 var(--_font); text-align: start }
.popover, .menu, .toast { background: var(--_background); border: 1px solid var(--_border); border-radius: var(--_radius); box-shadow: 0 8px 32px #0003 }
.popover { width: var(--notifier-width, 400px); max-width: calc(100vw - 16px); height: var(--notifier-height, 560px); max-height: calc(100dvh - 72px); overflow: hidden }
.popover[open] { display: flex; flex-direction: column }
.popover[open], .toast { animation: appear .12s ease-out }
.popover::backdrop { background: none }
@keyframes appear { from { opacity: 0; translate: 0 -6px } }
.header { display: flex; align-items: center; gap: 4px; padding-block: 10px 6px; padding-inline: 16px 10px }
.headline { flex: 1; margin: 0; font-size: 1.0625rem; font-weight: 650 }
.tool { display: grid; place-items: center; width: 32px; height: 32px; color: var(--_muted) }
.tool:hover { background: color-mix(in srgb, currentColor 14%, transparent); color: var(--_text) }
.tabs { display: flex; gap: 4px; padding: 0 12px; border-block-end: 1px solid var(--_border); overflow-x: auto; scrollbar-width: none; flex: none }
.tab { padding: 8px 8px 7px; color: var(--_muted); white-space: nowrap; border-radius: 8px 8px 0 0; border-block-end: 2px solid transparent }
.tab[aria-selected=true] { color: var(--_text); font-weight: 600; border-block-end-color: var(--_accent) }
.tab:hover { color: var(--_text) }
.offline { margin: 0; padding: 6px 16px; background: light-dark(#fff4db, #3a2f17); color: light-dark(#5f3b00, #f7d491) }
.offline, .fresh, .meta, .action, .again, .unfold, .when { font-size: .8125rem }
.fresh, .action, .again, .unfold, .day, .priority, .state-title, .row-unread .title, .toast .title { font-weight: 600 }
.panel { position: relative; flex: 1; min-height: 0; display: flex; flex-direction: column }
.scroll { overflow-y: auto; overflow-anchor: none; overscroll-behavior: contain; min-height: 0; flex: 0 1 auto; height: 100% }
.list { list-style: none; margin: 0; padding: 0; outline: none }
.fresh { position: absolute; z-index: 2; inset-block-start: 10px; inset-inline: 0; margin-inline: auto; width: fit-content; padding: 5px 14px; border-radius: 20px; background: var(--_accent); color: var(--_on-accent); box-shadow: 0 8px 32px #0003 }
.fresh:focus-visible { outline-color: var(--_text); outline-offset: 2px }
.day { margin: 0; padding: 12px 16px 4px; font-size: .75rem; color: var(--_muted) }
.row, .toast { position: relative; display: flex; gap: 10px }
.row { padding-block: 10px; padding-inline: 10px 14px; border-block-end: 1px solid color-mix(in srgb, var(--_border) 60%, transparent) }
.row-unread { background: var(--_unread) }
.row:hover, .tools { background: var(--_hover) }
.inner .row { padding-inline-start: 32px }
.dot { flex: none; width: 8px; height: 8px; margin-block-start: .45em; border-radius: 50% }
.row-unread .dot { background: var(--_accent) }
.content { flex: 1; min-width: 0; overflow-wrap: anywhere }
.heading { display: flex; gap: 6px; align-items: flex-start }
.title, .body { display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 3; overflow: hidden; text-align: match-parent }
.title { flex: 1; text-decoration: none }
.link::after { content: ""; position: absolute; inset: 0 }
.row:has(.link:hover) .link { text-decoration: underline; text-underline-offset: 2px }
.body, .json { margin: 2px 0 0; color: var(--_muted); white-space: pre-line }
.json { max-height: 6em; overflow: hidden; white-space: pre-wrap; font: .8125rem/1.4 ui-monospace, monospace }
.image { display: block; margin-block-start: 8px; max-width: 100%; max-height: 160px; border-radius: 8px }
.sign { flex: none }
img.sign { width: 1.35em; height: 1.35em; border-radius: 4px }
.level { margin-block-start: .1em }
.level.info { color: var(--_accent) }
.level.success { color: var(--_green) }
.level.warning, .priority.high { color: var(--_amber) }
.level.error, .action.danger { color: var(--_red) }
.priority { flex: none; padding: 0 7px; margin-block-start: .15em; border: 1px solid; border-radius: 10px; font-size: .75rem; line-height: 1.5; color: var(--_muted) }
.priority.low { font-weight: 400 }
.priority.urgent { color: light-dark(#fff, #29100d); background: var(--_red); border-color: var(--_red) }
.meta { margin: 3px 0 0; color: var(--_muted) }
.actions { display: flex; flex-wrap: wrap; gap: 6px; margin-block-start: 8px }
.action, .again, .unfold, .tools, .toast .tool { position: relative; z-index: 1 }
.action, .again { padding: 4px 12px; border: 1px solid var(--_border); background: var(--_background); text-decoration: none; border-radius: 8px }
.action:hover, .again:hover { border-color: currentColor }
.action.primary { background: var(--_accent); border-color: var(--_accent); color: var(--_on-accent) }
.action.primary:focus-visible { outline-offset: 2px }
.unfold { display: inline-flex; align-items: center; gap: 4px; margin-block-start: 4px; color: var(--_accent) }
.unfold .icon { transition: rotate .15s }
.unfold[aria-expanded=true] .icon { rotate: 180deg }
.tools { position: absolute; inset-block-end: 3px; inset-inline-end: 8px; display: flex; border-radius: 8px; opacity: 0 }
.tools .tool { width: 30px; height: 28px }
.row:hover .tools, .row:focus-within .tools { opacity: 1 }
.state { display: grid; justify-items: center; align-content: center; gap: 6px; padding: 32px 24px; text-align: center; color: var(--_muted); flex: 1 }
.state p { margin: 0 }
.state-title { color: var(--_text) }
.drawing { width: 44px; height: 44px; stroke-width: 1.25; opacity: .6 }
.again { margin-block-start: 6px; color: var(--_text) }
.notice { display: flex; align-items: center; gap: 12px; padding: 10px 16px; background: light-dark(#23272e, #e9ecf0); color: light-dark(#fff, #1b1f24) }
.notice span { flex: 1 }
.undo { font-weight: 650; text-decoration: underline; text-underline-offset: 3px; padding: 2px 6px }
.undo:focus-visible { outline-color: currentColor }
.menu { padding: 6px }
.choice { display: flex; justify-content: space-between; gap: 24px; width: 100%; padding: 7px 10px; text-align: start }
.choice:hover, .choice:focus { background: var(--_hover) }
.when { color: var(--_muted) }
.toasts { inset-block-end: 16px; inset-inline-end: 16px; width: min(360px, calc(100vw - 32px)); background: none; overflow: visible }
.toast { align-items: flex-start; margin-block-start: 10px; padding-block: 12px; padding-inline: 14px 8px }
.toast .tool { margin-block-start: -5px }
@media (hover: none) { .tools { opacity: 1; background: none } .meta { min-height: 30px; padding-block-start: 8px } }
@media (max-width: 520px) { .popover { inset: 0 !important; width: 100vw; max-width: none; height: 100dvh; max-height: none; border: 0; border-radius: 0 } .tool { width: 40px; height: 40px } .tools .tool { width: 40px; height: 34px } .tab { padding: 10px 10px 9px } }
@media (prefers-reduced-motion: reduce) { * { animation: none !important; transition: none !important } }
@media (forced-colors: active) { .row-unread .dot { forced-color-adjust: none } }
`);
