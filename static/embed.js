/**
 * What a page embeds, served as `/embed.js`. A server may answer with `static/elements.js` and all it imports joined into
 * one module instead: one request for some fifteen. Both find the server by their own address.
 */
// @ts-ignore -- an address below the server's root, where this file is served; not a path in this folder
import "./static/elements.js";
