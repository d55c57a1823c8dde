/** A clock that is told the time, and sockets that say what they are told. */

export class FakeClock {
  /** @type {Map<number, {at: number, callback: () => void}>} */
  timers = new Map();
  #now = 1_000_000;
  #ids = 0;

  now = () => this.#now;

  /** @param {() => void} callback @param {number} ms */
  set = (callback, ms) => {
    this.#ids += 1;
    this.timers.set(this.#ids, { at: this.#now + ms, callback });
    return this.#ids;
  };

  /** @param {number} id */
  clear = (id) => {
    this.timers.delete(id);
  };

  /** Time passes and what is due is done, in order. @param {number} ms */
  pass(ms) {
    const end = this.#now + ms;
    for (;;) {
      const due = [...this.timers].filter(([, { at }]) => at <= end).sort(([, a], [, b]) => a.at - b.at)[0];
      if (!due) break;
      this.timers.delete(due[0]);
      this.#now = due[1].at;
      due[1].callback();
    }
    this.#now = end;
  }

  /** Time passes but no timer runs, as in a suspended tab. @param {number} ms */
  sleep(ms) {
    this.#now += ms;
  }
}

export class FakeSocket {
  /** @type {any[]} */
  sent = [];
  isClosed = false;
  /** @type {any} */
  onopen;
  /** @type {any} */
  onmessage;
  /** @type {any} */
  onclose;
  /** @type {any} */
  onerror;

  /** @param {string} text */
  send(text) {
    this.sent.push(JSON.parse(text));
  }

  close() {
    this.isClosed = true;
  }

  accept() {
    this.onopen?.({});
  }

  /** @param {object} frame */
  say(frame) {
    this.onmessage?.({ data: JSON.stringify(frame) });
  }

  /** @param {number} code */
  drop(code) {
    this.isClosed = true;
    this.onclose?.({ code });
  }

  /** Frames sent of a type. @param {string} type */
  of(type) {
    return this.sent.filter((frame) => frame.type === type);
  }
}

export class FakeSockets {
  /** @type {FakeSocket[]} */
  all = [];
  isForbidden = false;

  open = () => {
    if (this.isForbidden) throw new Error("SecurityError");
    const socket = new FakeSocket();
    this.all.push(socket);
    return socket;
  };

  get last() {
    return /** @type {FakeSocket} */ (this.all.at(-1));
  }
}
