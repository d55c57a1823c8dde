/** Which tab has the socket, with the browser's locks and channels played. */
import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";

import { Tabs } from "../../static/tabs.js";

const HELLO = JSON.stringify({ type: "hello", version: 1 });

/** Grants of the lock on leading, in the order asked. @type {(() => void)[]} */
let grants = [];

beforeEach(() => {
  grants = [];
  mock.timers.enable({ apis: ["setTimeout"] });
  Object.defineProperty(globalThis, "navigator", {
    configurable: true,
    value: {
      locks: {
        /** @param {string} name @param {object} _ @param {() => Promise<void>} held */
        request(name, _, held) {
          if (name === "company") grants.push(held);
          return Promise.resolve();
        },
      },
    },
  });
});
afterEach(() => mock.timers.reset());

/** A tab that may share, and the sockets it opened. */
function tabOf() {
  /** @type {any[]} */
  const sockets = [];
  const direct = () => {
    const socket = { isClosed: false, send() {}, close: () => (socket.isClosed = true) };
    sockets.push(socket);
    return /** @type {any} */ (socket);
  };
  const channel = /** @type {any} */ ({ postMessage() {} });
  return { sockets, tabs: new Tabs({ name: "company", channel, direct, changed() {} }) };
}

test("whoever asked to follow and then leads keeps its socket when the answer is overdue", () => {
  const { tabs, sockets } = tabOf();
  const following = tabs.open("ws:");
  following.send(HELLO);
  grants[0]();
  following.close();
  let isLost = false;
  const leading = tabs.open("ws:");
  leading.onclose = () => (isLost = true);
  mock.timers.tick(60_000);
  assert.equal(isLost, false);
  leading.close();
  assert.deepEqual(sockets.map((socket) => socket.isClosed), [true]);
});

test("whoever is not answered has a socket of its own", () => {
  const { tabs, sockets } = tabOf();
  const port = tabs.open("ws:");
  let isLost = false;
  port.onclose = () => (isLost = true);
  port.send(HELLO);
  mock.timers.tick(60_000);
  assert.equal(isLost, true);
  tabs.open("ws:");
  assert.equal(sockets.length, 1);
});
