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

  /** Its first page; if that can't be read, all stays as it was. @param {List} list @param {string} [author] @param {string} [text] */
  async begin(list, author, text) {
    const before = { list: this.list, author: this.author, text: this.text };
    Object.assign(this, { list, author, text });
    try {
      return await this.read();
    } catch (error) {
      Object.assign(this, before);
      throw error;
    }
  }

  /** A page of it. @param {number} [before] @returns {Promise<{items: Item[], next?: number}>} */
  async read(before) {
    const { list, author, text } = this;
    if (list === "restricted") return this.#restricted(before);
    const found = await this.#backend.queue({ list, author, text, before });
    this.counts = { held: found.held, reported: found.reported };
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
