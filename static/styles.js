/** How it looks: calm, typographic. Colours are `--lt-*` properties that the page may set, on the element or above it. */

const css = `
:host {
  display: block;
  --_bg: var(--lt-bg, light-dark(#ffffff, #14181a));
  --_sunk: var(--lt-sunk, light-dark(#f6f7f5, #1c2224));
  --_ink: var(--lt-ink, light-dark(#1d2321, #e6eae8));
  --_mute: var(--lt-mute, light-dark(#5a6561, #9ba7a3));
  --_line: var(--lt-line, light-dark(#dfe3e0, #2d3538));
  --_control: var(--lt-control, light-dark(#7f8a86, #6f7b78));
  --_accent: var(--lt-accent, light-dark(#0f6b5c, #5fc7b2));
  --_on-accent: var(--lt-on-accent, light-dark(#ffffff, #06231e));
  --_new: var(--lt-new, light-dark(#fff6dc, #2e2a17));
  --_error: var(--lt-error, light-dark(#a8321f, #ff9a86));
  --_warn: var(--lt-warn, light-dark(#7a5200, #e9b95a));
  --_ok: var(--lt-ok, light-dark(#1f6f43, #7fd1a0));
  --lt-target: 28px;
  background: var(--_bg);
  color: var(--_ink);
  font-family: var(--lt-font, inherit);
  font-size: 16px;
  line-height: 25px;
  text-align: start;
}
:host([hidden]), [hidden] { display: none !important; }
:host([theme="light"]) { color-scheme: light; }
:host([theme="dark"]) { color-scheme: dark; }
*, ::before, ::after { box-sizing: border-box; }
section { container-type: inline-size; }
h2, h3, p, ol, article { margin: 0; padding: 0; }
ol { list-style: none; }
button, input, textarea { font: inherit; color: inherit; margin: 0; }
:focus-visible { outline: 2px solid var(--_accent); outline-offset: 2px; }
article:focus { outline: none; }
article:focus-visible { outline: 2px solid var(--_accent); outline-offset: 6px; border-radius: 6px; }
.unseen { position: absolute; inline-size: 1px; block-size: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }

header { display: flex; flex-wrap: wrap; align-items: center; gap: 4px 16px; margin-block-end: 16px; }
h2 { font-size: 20px; line-height: 26px; font-weight: 650; }
.count { color: var(--_mute); font-weight: 400; }
.meta { font-size: 14px; line-height: 21px; color: var(--_mute); }
.state { padding-block-start: 4px; font-variant-numeric: tabular-nums; }
.dot { display: inline-block; margin-inline-end: 8px; vertical-align: 1px; inline-size: 8px; block-size: 8px; border-radius: 50%; background: var(--_control); forced-color-adjust: none; }
.dot[data-state="live"] { background: var(--_ok); }
.dot[data-state="reconnecting"], .dot[data-state="connecting"] { background: var(--_warn); }
.dot[data-state="offline"], .dot[data-state="stopped"] { background: var(--_error); }

header select { margin-inline-start: auto; }
select {
  min-block-size: var(--lt-target); border: 1px solid var(--_control); border-radius: 6px; background: var(--_bg); color: inherit;
  font: inherit; font-size: 14px; padding-inline: 6px;
}
.label { display: block; font-size: 14px; line-height: 21px; font-weight: 600; margin-block-end: 4px; }
textarea, input:not([type=checkbox]) {
  inline-size: 100%; background: var(--_bg); border: 1px solid var(--_control); border-radius: 6px; padding: 7px 12px; min-block-size: max(41px, var(--lt-target));
}
textarea { display: block; resize: vertical; min-block-size: max(41px, var(--lt-target)); max-block-size: 50vh; field-sizing: content; }
.composer { margin-block-end: 24px; }
.composer:is(:focus-within, .filled) textarea { min-block-size: 91px; }
.composer:not(:focus-within, .filled, :active) .more { display: none; }

button { min-block-size: var(--lt-target); border: 1px solid transparent; border-radius: 6px; background: none; cursor: pointer; }
.primary { background: var(--_accent); color: var(--_on-accent); font-weight: 600; padding: 5px 16px; }
.plain { color: var(--_mute); font-size: 14px; line-height: 21px; font-weight: 600; padding: 2px 6px; margin-inline: -7px; min-inline-size: var(--lt-target); }
.wide { inline-size: 100%; padding: 7px 16px; border-color: var(--_line); color: var(--_accent); font-weight: 600; }
[aria-disabled="true"] { opacity: .6; cursor: default; }
form .plain { padding-inline: 12px; margin: 0; }

.roots > .item { content-visibility: auto; contain-intrinsic-block-size: auto 160px; overflow-clip-margin: 16px; }
.roots > .item { padding-block: 16px; border-block-start: 1px solid var(--_line); }
.roots > .load { padding-block: 16px; }
.branch { position: relative; padding-inline-start: 32px; }
.branch:has(> .replies:empty) { display: none; }
.replies { position: relative; }
.rail { position: absolute; inset-block: 8px 0; inset-inline-start: 2px; inline-size: 24px; cursor: pointer; }
.rail::before { content: ""; position: absolute; inset-block: 0; inset-inline-start: 11px; border-inline-start: 1px solid var(--_line); }
.replies > .item { padding-block-start: 16px; }
.replies > .load { padding-block-start: 8px; }
article { border-radius: 6px; scroll-margin-block: 24px; }
.head { display: flex; align-items: flex-start; gap: 8px; min-block-size: 28px; }
.by { display: flex; flex-wrap: wrap; align-items: baseline; gap: 0 8px; min-inline-size: 0; padding-block-start: 2px; }
.avatar {
  inline-size: 28px; block-size: 28px; border-radius: 50%; background: var(--_sunk); box-shadow: inset 0 0 0 1px var(--_line);
  color: var(--_mute); font-size: 13px; line-height: 28px; font-weight: 600; text-align: center; flex: none;
}
h3 { font-size: 15px; line-height: 23px; font-weight: 650; overflow-wrap: anywhere; min-inline-size: 0; }
.tag { font-size: 12px; line-height: 18px; font-weight: 600; padding-inline: 6px; border-radius: 9px; background: var(--_sunk); color: var(--_mute); }
.tag[data-badge="staff"] { background: var(--_accent); color: var(--_on-accent); }
.foot { display: flex; flex-wrap: wrap; align-items: center; gap: 0 20px; min-block-size: var(--lt-target); }
.like::before { content: "♡\\FE0E"; margin-inline-end: .3em; }
.like { text-align: start; }
.like[aria-pressed="true"] { color: var(--_accent); }
.like[aria-pressed="true"]::before { content: "♥\\FE0E"; }
.waiting, button.unread { color: var(--_accent); }
button.unread { margin-block-end: 8px; }
.linked, .unread:focus-visible { background: var(--_new); box-shadow: 0 0 0 6px var(--_new); }
.fresh { color: var(--_warn); font-weight: 600; }
.to { overflow-wrap: anywhere; }
.time { position: relative; text-decoration: none; }
.time::after { content: ""; position: absolute; inset: -4px; }
.text { margin-inline-start: 36px; }
.body { max-inline-size: 68ch; overflow-wrap: anywhere; white-space: pre-line; }
.body > * { margin-block: 0 8px; }
.body :is(p, blockquote, ul, ol, pre) { margin-block: 0 8px; }
.body > :last-child, .body :is(li, blockquote) > :last-child { margin-block-end: 0; }
.body :is(ul, ol) { padding-inline-start: 24px; }
.body ul { list-style: disc; }
.body ol { list-style: decimal; }
.body blockquote { margin-inline: 0; padding-inline-start: 12px; border-inline-start: 2px solid var(--_line); color: var(--_mute); }
.body code { font-family: ui-monospace, monospace; font-size: .875em; background: var(--_sunk); border-radius: 3px; padding-inline: 3px; }
.body pre { background: var(--_sunk); border-radius: 6px; padding: 8px 12px; overflow-x: auto; white-space: pre; }
.body pre code { padding: 0; background: none; }
.body a { color: var(--_accent); text-underline-offset: 2px; }
.note { color: var(--_mute); font-size: 14px; line-height: 21px; }
header + .composer + .note { margin-block-end: 24px; }
.held { border-inline-start: 2px solid var(--_warn); padding-inline-start: 8px; }
.gone .foot { display: none; }
.gone h3 { font-weight: 400; font-size: 14px; color: var(--_mute); }

.float { position: sticky; z-index: 1; block-size: 0; display: flex; justify-content: center; }
.float.top { inset-block-start: 12px; align-items: flex-start; }
.float.bottom { inset-block-end: 0; block-size: auto; }
.pill { background: var(--_accent); color: var(--_on-accent); font-size: 14px; line-height: 21px; font-weight: 600; padding: 6px 16px; border-radius: 999px; }
div.empty { display: flex; flex-wrap: wrap; gap: 0 16px; align-items: center; }
.empty .plain { color: var(--_accent); }
.skeleton i { display: block; block-size: 60px; margin-block-end: 24px; border-radius: 6px; background: var(--_sunk); }

@container (min-width: 760px) {
  .composer { max-inline-size: calc(68ch + 36px); }
}
@container (max-width: 480px) {
  header { display: grid; grid-template-columns: auto minmax(88px, 1fr); }
  header select { max-inline-size: 100%; }
  .state { order: 1; grid-column: 1 / -1; padding: 0; }
  .branch { padding-inline-start: 12px; }
  .rail { inset-inline-start: -12px; }
  .text { margin-inline-start: 0; }
  .head { margin-block-end: 4px; }
}
@media (pointer: coarse) {
  :host { --lt-target: 44px; }
  .time::after { inset: -12px; }
}
@media (forced-colors: active) {
  .primary, .pill, .tag { border: 1px solid ButtonText; }
}
`;

/** @type {CSSStyleSheet | undefined} */
let shared;

/** The sheet all threads of a page share; constructed, so it needs no `unsafe-inline`. */
export function sheet() {
  if (!shared) {
    shared = new CSSStyleSheet();
    shared.replaceSync(css);
  }
  return shared;
}
