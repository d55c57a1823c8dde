/** What stands in for a websocket says the frames that a websocket would have said. The browser's tests have the rest. */
import assert from "node:assert/strict";
import { afterEach, test as anyTest } from "node:test";
import { HttpSocket } from "../../static/http-socket.js";

const room = { name: "a/b c", state: "open", comments: 0, seq: 7 };
const real = globalThis.fetch;
afterEach(() => {
  globalThis.fetch = real;
  HttpSocket.canStream = true;
});

/** @param {unknown} body @param {number} [status] */
const json = (body, status = 200) => new Response(JSON.stringify(body), { status });
/** What doesn't come is missed, not waited for. @param {string} name @param {() => Promise<void>} body */
const test = (name, body) => anyTest(name, { timeout: 10_000 }, body);
const never = () => /** @type {Promise<Response>} */ (new Promise(() => {}));

/**
 * A socket to a server that answers so, by path below the API; and what was asked of it and said.
 * @param {Record<string, (url: URL, init: RequestInit) => Response | Promise<Response>>} answers
 * @param {string} [address]
 */
function open(answers, address = "ws://talk.test/ws") {
  /** @type {{path: string, headers: Headers, method: string}[]} */
  const asked = [];
  /** @type {any[]} */
  const said = [];
  /** @type {(() => void)[]} */
  const waiting = [];
  globalThis.fetch = async (input, init = {}) => {
    const url = new URL(String(input));
    const path = url.pathname.replace(/.*\/api\/v1\//, "");
    asked.push({ path: path + url.search, headers: new Headers(init.headers), method: init.method ?? "GET" });
    return answers[path.split("/").at(-1) ?? ""](url, init);
  };
  const socket = new HttpSocket(address);
  const hear = (/** @type {any} */ what) => {
    said.push(what);
    for (const wake of waiting.splice(0)) wake();
  };
  socket.onmessage = ({ data }) => hear(JSON.parse(data));
  socket.onclose = ({ code }) => hear({ closed: code });
  const until = async (/** @type {string} */ what) => {
    while (!said.some((frame) => frame.type === what || (what === "closed" && frame.closed))) {
      await new Promise((wake) => waiting.push(() => wake(null)));
    }
    return said.find((frame) => frame.type === what || (what === "closed" && frame.closed));
  };
  const send = (/** @type {object} */ frame) => socket.send(JSON.stringify(frame));
  return { socket, asked, said, until, send };
}

const me = () => json({ type: "welcome", session: "s", user: { id: "u", name: "Mara", role: "guest" } });

test("the token goes into a header, and a room's name into the path as it is", async () => {
  const { socket, asked, until, send } = open({ me, events: () => new Response("data: {\"type\": \"joined\"}\n\n") });
  send({ type: "hello", token: "secret" });
  send({ type: "join", ref: "j1", room: room.name, since: "e.7" });
  assert.equal((await until("joined")).ref, "j1");
  assert.deepEqual(asked.map(({ path }) => path), ["me", "rooms/a/b%20c/events?since=e.7"]);
  for (const { headers } of asked) assert.equal(headers.get("authorization"), "Bearer secret");
  await until("closed"); // the stream ended: come back with the cursor
  socket.close();
});

test("a site that has to be named is named each time, below any path", async () => {
  const { socket, asked, until, send } = open({ me, comments: () => json({ type: "page" }) }, "wss://talk.test/lt/ws?site=daily");
  send({ type: "hello" });
  send({ type: "page", ref: "g", room: room.name, limit: 2 });
  await until("page");
  assert.deepEqual(asked.map(({ path }) => path).sort(), ["me?site=daily", "rooms/a/b%20c/comments?limit=2&site=daily"]);
  socket.close();
});

test("an event in pieces is one frame, a comment between them a heartbeat", async () => {
  const pieces = ['data: {"type": "jo', 'ined", "mode": "resume"}\n', "\n: heartbeat\n\n"];
  const stream = new ReadableStream({ pull: (sink) => (pieces.length ? sink.enqueue(new TextEncoder().encode(pieces.shift())) : sink.close()) });
  const { said, until, send } = open({ me, events: () => new Response(stream) });
  send({ type: "join", ref: "j1", room: room.name });
  await until("closed");
  assert.deepEqual(said, [{ type: "joined", mode: "resume", ref: "j1" }, { type: "heartbeat" }, { closed: 1006 }]);
});

test("a cursor that can't be continued is a reset, by long poll, too", async () => {
  HttpSocket.canStream = false;
  const reset = () => json({ code: "reset", detail: "of another history" }, 410);
  const { socket, said, until, send } = open({ "b%20c": () => json({ room, cursor: "f.7" }), changes: reset });
  send({ type: "join", ref: "j1", room: room.name, since: "e.7" });
  assert.deepEqual(await until("reset"), { type: "reset", room: room.name, reason: "of another history" });
  assert.equal(said[0].mode, "resume");
  socket.close();
});

test("a long poll brings how many read, and what of the reader's own is held", async () => {
  HttpSocket.canStream = false;
  const mine = [{ id: 3, state: "held" }];
  let polls = 0;
  const changes = () => (polls++ ? never() : json({ type: "changes", room: room.name, from: 7, to: 7, changes: [], cursor: "e.7", readers: 2 }));
  const { socket, asked, said, until, send } = open({ "b%20c": () => json({ room, cursor: "e.7", mine }), comments: () => json({ comments: [] }), changes });
  send({ type: "join", ref: "j1", room: room.name });
  await until("heartbeat");
  assert.deepEqual(said[0].mine, mine);
  assert.deepEqual(said[1], { type: "presence", room: room.name, readers: 2 });
  await new Promise(setImmediate);
  const waits = asked.filter(({ path }) => path.includes("changes")).map(({ path }) => Number(path.split("wait=")[1]));
  assert.ok(waits[0] < waits[1], "the first is short, to be told soon");
  socket.close();
});

test("a token that doesn't hold closes as it does a websocket; a server that isn't there, too", async () => {
  const refused = open({ me: () => json({ code: "unauthorized", detail: "no" }, 401) });
  refused.send({ type: "hello", token: "old" });
  assert.equal((await refused.until("closed")).closed, 4500);
  assert.equal(refused.said[0].code, "unauthorized");
  const gone = open({ me: () => Promise.reject(new TypeError("network")) });
  gone.send({ type: "hello" });
  assert.equal((await gone.until("closed")).closed, 1006);
});

test("a write is answered by its ref; what didn't arrive may be sent again", async () => {
  const { socket, asked, until, send, said } = open({
    comments: () => json({ type: "ack", room: room.name, seq: 8 }, 201),
    reactions: () => Promise.reject(new TypeError("network")),
    reports: () => new Response("<h1>Blocked</h1>", { status: 403 }),
  });
  send({ type: "post", ref: "p", nonce: "n-o-n-c-e", room: room.name, body: "Hello" });
  assert.equal((await until("ack")).ref, "p");
  assert.deepEqual([asked[0].method, asked[0].headers.get("idempotency-key")], ["POST", "n-o-n-c-e"]);
  send({ type: "react", ref: "r", room: room.name, comment: 1, reaction: "like", on: true });
  send({ type: "report", ref: "q", room: room.name, comment: 1, reason: "spam" });
  await until("error");
  while (said.filter(({ type }) => type === "error").length < 2) await new Promise(setImmediate);
  for (const { code, retryable } of said.slice(1)) assert.deepEqual([code, retryable], ["unavailable", true]);
  socket.close();
});

test("closed, it says nothing more", async () => {
  const { socket, said, send } = open({ me: never });
  send({ type: "hello" });
  socket.close();
  await new Promise(setImmediate);
  assert.deepEqual(said, []);
});
