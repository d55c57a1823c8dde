import assert from "node:assert/strict";
import { test } from "node:test";
import { Backoff } from "../../static/backoff.js";
import { Connection, SILENCE_MS } from "../../static/connection.js";
import { FakeClock, FakeSockets } from "./fakes.mjs";

/** @param {object} [more] */
function connected(more = {}) {
  const clock = new FakeClock();
  const sockets = new FakeSockets();
  /** @type {any[]} */
  const frames = [];
  /** @type {string[]} */
  const states = [];
  const connection = new Connection({
    url: "ws://server/ws", clock, open: sockets.open, random: () => 0.5,
    hello: () => ({ token: "t" }), onOpen: () => connection.send({ type: "join" }),
    onFrame: (frame) => frames.push(frame), onState: (state) => states.push(state), ...more,
  });
  connection.start();
  sockets.last.accept();
  return { clock, sockets, frames, states, connection };
}

test("the hello goes first and the join is pipelined behind it", () => {
  const { sockets } = connected();
  assert.deepEqual(sockets.last.sent, [{ type: "hello", version: 1, token: "t", client: "live-thread/0.1" }, { type: "join" }]);
});

test("each heartbeat is answered by a ping", () => {
  const { sockets, frames } = connected();
  sockets.last.say({ type: "heartbeat", t: 1 });
  assert.deepEqual(sockets.last.sent.at(-1), { type: "ping" });
  assert.equal(frames.length, 1);
});

test("silence of 40 s means the link is dead, and anything heard puts it off", () => {
  const { clock, sockets, connection } = connected();
  clock.pass(SILENCE_MS - 1);
  sockets.last.say({ type: "pong" });
  clock.pass(SILENCE_MS - 1);
  assert.equal(connection.state, "open");
  clock.pass(1);
  assert.equal(connection.state, "waiting");
  assert.ok(sockets.all[0].isClosed);
  clock.pass(250);
  assert.equal(sockets.all.length, 2);
});

test("a dead link's late frames and closing are nobody's", () => {
  const { clock, sockets, frames, connection } = connected();
  clock.pass(SILENCE_MS);
  const [dead] = sockets.all;
  dead.say({ type: "pong" });
  dead.drop(4500);
  assert.equal(frames.length, 0);
  assert.equal(connection.state, "waiting");
});

test("close codes say whether to come back", () => {
  for (const code of [1000, 1001, 1006, 1009, 1012, 1013, 4000, 4001, 4002, 4003, 4004, 4499]) {
    const { sockets, connection } = connected();
    sockets.last.drop(code);
    assert.equal(connection.state, "waiting", String(code));
  }
  for (const code of [4500, 4501, 4502, 4503, 4504, 4505, 4506, 4999]) {
    const { sockets, clock, connection } = connected();
    sockets.last.drop(code);
    clock.pass(600_000);
    assert.equal(connection.state, "stopped", String(code));
    assert.equal(sockets.all.length, 1);
  }
});

test("one that was refused comes back if it has changed", () => {
  const { sockets, connection } = connected({ onRefused: () => true });
  sockets.last.drop(4500);
  assert.equal(connection.state, "waiting");
});

test("delays are drawn from 0 to 0.5 s × 2^n, at most 30 s", () => {
  for (const [random, share] of [[() => 0, 0], [() => 0.5, 0.5], [() => 1, 1]]) {
    const backoff = new Backoff(/** @type {any} */ (random));
    const delays = Array.from({ length: 9 }, () => backoff.next());
    const bounds = [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000];
    assert.deepEqual(delays, bounds.map((ms) => ms * Number(share)));
  }
});

test("n begins anew only after 30 s of health", () => {
  const { clock, sockets, connection } = connected();
  const fail = () => {
    sockets.last.drop(1006);
    const delay = connection.retryAt - clock.now();
    clock.pass(delay);
    sockets.last.accept();
    sockets.last.say({ type: "welcome", session: "s" });
    return delay;
  };
  assert.deepEqual([fail(), fail(), fail()], [250, 500, 1000]);
  clock.pass(29_999);
  assert.equal(fail(), 2000);
  clock.pass(30_000);
  assert.equal(fail(), 250);
});

test("a server that asks for a window gets it, once, and being seen doesn't cut it short", () => {
  const { clock, sockets, connection } = connected();
  sockets.last.say({ type: "notice", code: "draining", message: "", reconnect_after_ms: [2000, 6000] });
  sockets.last.drop(1012);
  assert.equal(connection.retryAt - clock.now(), 4000);
  connection.nudge();
  assert.equal(connection.state, "waiting");
  clock.pass(4000);
  assert.equal(connection.state, "connecting");
  sockets.last.drop(1006);
  assert.equal(connection.retryAt - clock.now(), 500);
});

test("being seen or online again connects at once", () => {
  const { clock, sockets, connection } = connected();
  sockets.last.drop(1006);
  connection.nudge();
  assert.equal(connection.state, "connecting");
  clock.pass(1);
  assert.equal(sockets.all.length, 2, "the planned attempt is not made as well");
});

test("being seen after a sleep, with timers late, distrusts a silent link", () => {
  const { clock, connection } = connected();
  clock.sleep(SILENCE_MS + 1);
  connection.nudge();
  assert.equal(connection.state, "waiting");
});

test("an attempt that gets nowhere in 10 s is given up", () => {
  const { clock, sockets, connection } = connected();
  sockets.last.drop(1006);
  clock.pass(250);
  clock.pass(10_000);
  assert.equal(connection.state, "waiting");
  assert.ok(sockets.last.isClosed);
});

test("stopped, it stays closed and leaves no timer", () => {
  const { clock, sockets, connection } = connected();
  connection.stop();
  assert.equal(clock.timers.size, 0);
  assert.ok(sockets.last.isClosed);
  assert.equal(connection.send({ type: "ping" }), false);
});

test("a page that forbids the connection is retried, not broken", () => {
  const { sockets, connection } = connected();
  sockets.isForbidden = true;
  sockets.last.drop(1006);
  connection.nudge();
  assert.equal(connection.state, "waiting");
});

test("told of a better way, it takes that even if it was just connecting", () => {
  const { clock, sockets, connection } = connected();
  connection.reconnect();
  clock.pass(250);
  assert.equal(sockets.all.length, 2);
  connection.reconnect();
  sockets.last.accept();
  assert.ok(sockets.all[1].isClosed);
  assert.deepEqual(sockets.all[1].sent, []);
  clock.pass(10_000);
  assert.equal(sockets.all.length, 3);
  sockets.last.accept();
  assert.equal(connection.state, "open");
});
