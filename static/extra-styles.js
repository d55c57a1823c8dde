/** How that looks which nobody sees at first. */

const css = `
.name { display: flex; flex-wrap: wrap; align-items: center; gap: 4px 12px; margin-block-start: 8px; }
.name label { font-size: 14px; color: var(--_mute); }
.name input { flex: 1 1 120px; max-inline-size: 280px; }
.error { color: var(--_error); font-size: 14px; line-height: 21px; }
.actions { display: flex; flex-wrap: wrap; align-items: center; justify-content: flex-end; gap: 4px 12px; }
form .actions { margin-block-start: 8px; }
.who { margin-inline-end: auto; }
.new { animation: lt-new 2s ease-out; }
@keyframes lt-new { from { background: var(--_new); box-shadow: 0 0 0 6px var(--_new); } }
.notice {
  inline-size: 100%; background: var(--_sunk); border-block-start: 1px solid var(--_control); padding: 3px 16px; font-size: 14px; line-height: 21px;
  font-variant-numeric: tabular-nums; text-align: center; text-wrap: balance;
}
.notice .plain { color: var(--_accent); margin-inline: 0 -6px; }
.composer.reply { max-inline-size: 68ch; margin-block: 8px 16px; margin-inline-start: 36px; }
.editing .text { display: none; }
.time:focus-visible time::after { content: " · " attr(data-exact); }
.pending .body { color: var(--_mute); }
.pending .actions { gap: 4px 16px; }
.failed .meta { color: var(--_error); }
.preview { background: var(--_sunk); border-radius: 6px; padding: 8px 12px; margin-block-start: 8px; }
.menu { display: contents; }
.rail:hover::before { border-color: var(--_control); }
.time:hover { text-decoration: underline; }
.plain:hover { color: var(--_ink); }
.wide:hover { border-color: var(--_control); }
input.trap { position: absolute; inline-size: 1px; min-block-size: 1px; block-size: 1px; padding: 0; border: 0; clip-path: inset(50%); pointer-events: none; }
.like:disabled { cursor: default; }
.over { color: var(--_error); }
input[aria-invalid="true"] { border-color: var(--_error); }
.note .plain { margin-inline: 0; color: var(--_accent); }
.field { display: grid; gap: 4px; margin-block: 8px; font-size: 14px; line-height: 21px; }
.field > span { color: var(--_mute); }
.field :is(select, input) { max-inline-size: 320px; font-size: 16px; min-block-size: max(41px, var(--lt-target)); }
.ask textarea { min-block-size: 66px; font-size: 16px; }
.keys { margin-block-start: 16px; color: var(--_mute); font-size: 14px; line-height: 21px; }
.keys summary { inline-size: fit-content; line-height: var(--lt-target); cursor: pointer; }
.keys label { display: inline-flex; gap: 4px; align-items: center; min-block-size: var(--lt-target); }
.keys ul { list-style: none; margin: 0; padding: 0; columns: 160px; }
.keys kbd { display: inline-block; min-inline-size: 1.6em; text-align: center; border: 1px solid var(--_line); border-radius: 3px; margin-block: 2px; font: inherit; }
.keys input { inline-size: 16px; block-size: 16px; accent-color: var(--_accent); }
@container (max-width: 480px) {
  .composer.reply { margin-inline-start: 0; }
  .who { flex-basis: 100%; }
  .counter { margin-inline-end: auto; }
}
@media (prefers-reduced-motion: reduce) { .new { animation-timing-function: step-end; } }
`;

/** @type {CSSStyleSheet | undefined} */
let shared;

/** Adds them to a thread, once. @param {Element} inside */
export function addStyles(inside) {
  const root = inside.getRootNode();
  if (!(root instanceof ShadowRoot)) return;
  if (!shared) {
    shared = new CSSStyleSheet();
    shared.replaceSync(css);
  }
  if (!root.adoptedStyleSheets.includes(shared)) root.adoptedStyleSheets.push(shared);
}
