/**
 * What a page embeds, served as `/embed.js`. The server may answer with `static/elements.js` and all it imports joined
 * into one module instead (tests/static/joined.test.mjs says how): one request for some twenty.
 */
// @ts-ignore -- an address below the server's root, where this file is served; not a path in this folder
import "./static/elements.js";
