/** What is listed: one of the lists, of whom, with which words, up to which page. */

/** @typedef {import("./desk.js").Item} Item */
/** @typedef {import("./desk.js").List} List */

export class Listing {
  /** @type {List} */
  list = "held";
  /** @type {string | undefined} */
  author;
  /** @type {string | undefined} */
  text;
  /** Where the next page begins. @type {number | undefined} */
  next;
  /** How many comments wait on the site, and how many others were reported. */
  counts = { held: 0, reported: 0 };
  #backend;

  /** @param {import("./backend.js").Backend} backend */
  constructor(backend) {
    this.#backend = backend;
  }

  get isOfPeople() {
    return this.list === "restricted";
  }

  /** @param {List} list @param {string} [author] @param {string} [text] */
  begin(list, author, text) {
    this.list = list;
    this.author = author;
    this.text = text;
  }

  /** A page of it; nothing if another was begun meanwhile. @param {number} [before] @returns {Promise<{items: Item[], next?: number} | undefined>} */
  async read(before) {
    const { list, author, text } = this;
    const found = list === "restricted" ? await this.#restricted(before) : await this.#backend.queue({ list, author, text, before });
    if (this.list !== list || this.author !== author || this.text !== text) return;
    if ("held" in found) this.counts = { held: found.held, reported: found.reported };
    return found;
  }

  /** @param {number} [before] */
  async #restricted(before) {
    const { restrictions, next } = await this.#backend.restrictions({ before });
    return { items: restrictions, next };
  }

  /** Whether a comment belongs here that something was told of. @param {import("../protocol.js").Queued} told */
  belongs({ comment, reports }) {
    if (this.list === "held") return comment.state === "held";
    if (this.list === "reported") return Boolean(reports) && comment.state !== "held";
    return this.list === "recent" && this.author === undefined && this.text === undefined && Boolean(comment.author);
  }
}
