/** What the browser remembers for a server: the guest's token and drafts. Storage may be blocked; memory then serves. */

export class Memory {
  /** @type {Map<string, string>} */
  #fallback = new Map();
  #prefix;
  #storage;

  /**
   * @param {string} server  its base URL, so that two servers on one page don't mix
   * @param {() => Storage} [storage]  a function, for reading `localStorage` itself may throw
   */
  constructor(server, storage = () => localStorage) {
    this.server = server;
    this.#prefix = `livethread:${server}:`;
    this.#storage = storage;
  }

  /** @param {string} key */
  get(key) {
    try {
      return this.#storage().getItem(this.#prefix + key) ?? this.#fallback.get(key) ?? null;
    } catch {
      return this.#fallback.get(key) ?? null;
    }
  }

  /** Whether it is kept beyond this page. @param {string} key @param {string | null} value  null or empty forgets it */
  set(key, value) {
    if (value) this.#fallback.set(key, value);
    else this.#fallback.delete(key);
    try {
      if (value) this.#storage().setItem(this.#prefix + key, value);
      else this.#storage().removeItem(this.#prefix + key);
      return true;
    } catch {
      return false; // blocked or full: this page still remembers
    }
  }
}
