/** How that looks which nobody sees at first. */

const css = `
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
}
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
