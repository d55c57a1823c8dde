/** A room as a server keeps it, small and slow, to hold the browser's feed against. */

/** A repeatable source of numbers in [0, 1) (mulberry32). @param {number} seed */
export function randomFrom(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

export class ReferenceRoom {
  seq = 0;
  epoch = "e1";
  /** @type {Map<number, any>} */
  comments = new Map();
  /** Comments nobody else may see yet: the feed covers their seqs with no entry. @type {any[]} */
  #held = [];
  #random;
  #epochs = 1;

  /** @param {() => number} random */
  constructor(random) {
    this.#random = random;
  }

  get info() {
    const count = [...this.comments.values()].filter(({ state }) => state === "visible").length;
    return { name: "r", state: "open", comments: count, seq: this.seq };
  }

  /** Changes something; returns the frame that says so. */
  change() {
    this.seq += 1;
    const seq = this.seq;
    const ids = [...this.comments.keys()];
    const any = this.comments.get(ids[Math.floor(this.#random() * ids.length)]);
    const luck = this.#random();
    /** @type {any} */
    let comment;
    if (luck > 0.95) {
      this.#held.push({ id: seq, created: "", state: "visible", body: "approved", author: { id: "u", name: "U" } });
      return this.#changes(seq - 1, seq);
    }
    if (luck > 0.9 && this.#held.length) {
      comment = this.#held.shift();
    } else if (!any || luck < 0.6) {
      comment = { id: seq, created: "", state: "visible", body: "text", author: { id: "u", name: "U" } };
      if (any && luck < 0.4) comment.parent = any.id;
    } else if (luck < 0.8 && any.state === "visible") {
      comment = { ...any, body: `edited at ${seq}` };
    } else {
      const { author: _author, body: _body, ...rest } = any;
      comment = any.state === "hidden" ? { ...rest, state: "visible", body: "back", author: { id: "u", name: "U" } } : { ...rest, state: "hidden" };
    }
    this.comments.set(comment.id, { ...comment, seq });
    return this.#changes(seq - 1, seq);
  }

  /** History is replaced: the same comments under another epoch, numbered anew. */
  renew() {
    this.#epochs += 1;
    this.#held = [];
    this.epoch = `e${this.#epochs}`;
    const old = [...this.comments.values()].sort((a, b) => a.id - b.id);
    const renumbered = new Map(old.map(({ id }, i) => [id, i + 1]));
    this.comments = new Map(old.map((comment, i) => {
      const parent = comment.parent && { parent: renumbered.get(comment.parent) };
      return [i + 1, { ...comment, id: i + 1, seq: i + 1, ...parent }];
    }));
    this.seq = old.length;
  }

  /** @param {string | undefined} since @param {string} order @param {number} limit @param {number} [replies] @returns {any[]} */
  join(since, order, limit, replies = 3) {
    const [epoch, seq] = (since ?? ".").split(".");
    if (epoch !== this.epoch) {
      const { at: _at, ...page } = this.page(order, null, limit, replies);
      return [{ ...page, type: "joined", room: this.info, cursor: `${this.epoch}.${this.seq}`, mode: "snapshot" }];
    }
    const half = Math.floor((Number(seq) + this.seq) / 2);
    const frames = [this.#changes(Number(seq), half), this.#changes(half, this.seq)].filter(({ from, to }) => from < to);
    return [{ type: "joined", room: this.info, cursor: since, mode: "resume" }, ...frames];
  }

  /** @param {string} order @param {string | null} after @param {number} limit @param {number} [replies] @returns {any} */
  page(order, after, limit, replies = 3) {
    const sign = order === "newest" ? -1 : 1;
    const roots = [...this.comments.values()].filter(({ parent }) => !parent).sort((a, b) => sign * (a.id - b.id));
    const left = roots.filter(({ id }) => after === null || sign * (id - Number(after)) > 0);
    const comments = [];
    /** @type {Record<string, string>} */
    const more = {};
    for (const root of left.slice(0, limit)) {
      const thread = this.thread(root.id, "0", replies);
      comments.push(root, ...thread.comments);
      if (thread.next) more[root.id] = thread.next;
    }
    const next = left.length > limit ? String(left[limit - 1].id) : undefined;
    return { type: "page", room: "r", comments, more, next, at: this.seq };
  }

  /** @param {number} root @param {string} after @param {number} limit @returns {any} */
  thread(root, after, limit) {
    const below = this.#below(root).filter(({ id }) => id > Number(after)).sort((a, b) => a.id - b.id);
    const comments = below.slice(0, limit);
    const next = below.length > limit ? String(comments[limit - 1].id) : undefined;
    return { type: "page", room: "r", comments, next, at: this.seq };
  }

  /** @param {number} id @returns {any[]} */
  #below(id) {
    const children = [...this.comments.values()].filter(({ parent }) => parent === id);
    return children.flatMap((child) => [child, ...this.#below(child.id)]);
  }

  /** @param {number} from @param {number} to */
  #changes(from, to) {
    const changed = [...this.comments.values()].filter(({ seq }) => seq > from && seq <= to).sort((a, b) => a.seq - b.seq);
    const counted = to === this.seq ? { comments: this.info.comments } : {};
    return { type: "changes", room: "r", from, to, ...counted, changes: changed.map((comment) => ({ seq: comment.seq, comment })) };
  }
}
