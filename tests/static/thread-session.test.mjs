import assert from "node:assert/strict";
import { test } from "node:test";
import { Connection } from "../../static/connection.js";
import { Memory } from "../../static/memory.js";
import { ThreadSession } from "../../static/thread-session.js";
import { FakeClock, FakeSockets } from "./fakes.mjs";

const GUEST = { id: "g1", name: "Mara", role: "guest" };
const NOBODY = { id: "", name: "", role: "anonymous" };

/** A session whose socket has opened. @param {{token?: string, stored?: string, memory?: Memory}} [given] */
function opened({ token, stored, memory = new Memory("https://talk/", () => { throw new Error("blocked"); }) } = {}) {
  const clock = new FakeClock();
  const sockets = new FakeSockets();
  if (stored) memory.set("guest", stored);
  /** @type {any[]} */
  const posted = [];
  /** @type {any[]} */
  const errors = [];
  const session = new ThreadSession({
    url: "ws://talk/ws", room: "r", order: "newest", limit: 20, token, memory,
    onChange: () => {}, onPosted: (comment) => posted.push(comment), onError: (error) => errors.push(error),
    connect: (options) => new Connection({ ...options, clock, open: sockets.open, random: () => 0.5 }),
    later: clock.set,
  });
  session.start();
  sockets.last.accept();
  return { clock, sockets, memory, posted, errors, session };
}

/** Answers the last join. @param {FakeSockets} sockets @param {object} [rest] */
function answerJoin(sockets, rest = {}) {
  const { ref, since } = sockets.last.of("join").at(-1);
  sockets.last.say({
    type: "joined", ref, room: { name: "r", state: "open", comments: 0 }, cursor: since ?? "abc.0",
    mode: since ? "resume" : "snapshot", ...(since ? {} : { comments: [] }), ...rest,
  });
}

/** @param {FakeSockets} sockets @param {object} user @param {object} [rest] */
function welcome(sockets, user, rest = {}) {
  sockets.last.say({ type: "welcome", session: "s", user, ...rest });
}

/** A session live as Mara. */
function live() {
  const given = opened({ stored: "token" });
  welcome(given.sockets, GUEST);
  answerJoin(given.sockets);
  return given;
}

/** @param {number} id @param {string} body */
const comment = (id, body) => ({ id, seq: id, body, state: "visible", created: "2026-11-22T14:40:16.123Z", author: { id: "g1", name: "Mara" } });
/** @param {number} from @param {...object} comments */
const changes = (from, ...comments) => ({
  type: "changes", room: "r", from, to: from + 1, changes: comments.map((c) => ({ seq: from + 1, comment: c })),
});

test("a reader says nothing of who it is; a known guest gives its token", () => {
  assert.equal(opened().sockets.last.of("hello")[0].token, undefined);
  assert.equal(opened({ stored: "kept" }).sockets.last.of("hello")[0].token, "kept");
  assert.equal(opened({ stored: "kept", token: "host" }).sockets.last.of("hello")[0].token, "host");
});

test("the first post names the guest, then goes out; the token is kept", () => {
  const { sockets, memory, session } = opened();
  welcome(sockets, NOBODY);
  answerJoin(sockets);
  session.posting.post({ body: "Hello", name: "Mara" });
  assert.deepEqual(sockets.last.of("post"), []);
  assert.deepEqual(sockets.last.of("renew").map(({ guest }) => guest), [{ name: "Mara" }]);
  welcome(sockets, GUEST, { guest_token: "new" });
  assert.equal(memory.get("guest"), "new");
  const [post] = sockets.last.of("post");
  assert.equal(post.body, "Hello");
  assert.match(post.nonce, /^[A-Za-z0-9_-]{22}$/);
});

test("a name the server refuses leaves the post to try again", () => {
  const { sockets, errors, session } = opened();
  welcome(sockets, NOBODY);
  answerJoin(sockets);
  const { nonce } = session.posting.post({ body: "Hello", name: "Staff" });
  sockets.last.say({ type: "error", ref: sockets.last.of("renew")[0].ref, code: "rejected", message: "Taken.", field: "name" });
  assert.equal(session.posting.outbox.get(nonce)?.state, "failed");
  assert.equal(errors[0].field, "name");
  session.posting.retry(nonce, "Mara");
  assert.deepEqual(sockets.last.of("renew").at(-1).guest, { name: "Mara" });
});

test("a post cut off by a lost connection is sent again with its nonce, and is there once", () => {
  const { clock, sockets, posted, session } = live();
  session.posting.post({ body: "Hello" });
  const [first] = sockets.last.of("post");
  sockets.last.drop(1006);
  assert.equal(session.status, "reconnecting");
  clock.pass(250);
  sockets.last.accept();
  welcome(sockets, GUEST);
  assert.equal(sockets.last.of("join")[0].since, "abc.0");
  answerJoin(sockets);
  sockets.last.say(changes(0, comment(1, "Hello")));
  assert.equal(session.posting.outbox.shown.length, 0, "it is seen in the feed, so not shown as pending");
  const [second] = sockets.last.of("post");
  assert.equal(second.nonce, first.nonce);
  sockets.last.say({ type: "ack", ref: second.ref, room: "r", seq: 1, comment: comment(1, "Hello"), duplicate: true });
  assert.deepEqual(session.feed.roots.head, [1]);
  assert.ok(session.posting.outbox.isEmpty);
  assert.equal(posted.length, 1);
});

test("written while offline, it goes out when the room is back", () => {
  const { clock, sockets, session } = live();
  sockets.last.drop(1006);
  session.posting.post({ body: "Hello" });
  clock.pass(250);
  sockets.last.accept();
  welcome(sockets, GUEST);
  assert.equal(sockets.last.of("post").length, 0);
  answerJoin(sockets);
  assert.equal(sockets.last.of("post").length, 1);
});

test("two posts of the same text are two comments", () => {
  const { sockets, session } = live();
  session.posting.post({ body: "+1" });
  session.posting.post({ body: "+1" });
  const [a, b] = sockets.last.of("post");
  sockets.last.say(changes(0, comment(1, "+1")));
  assert.equal(session.posting.outbox.shown.length, 1);
  sockets.last.say({ type: "ack", ref: a.ref, room: "r", seq: 1, comment: comment(1, "+1") });
  sockets.last.say({ type: "ack", ref: b.ref, room: "r", seq: 2, comment: comment(2, "+1") });
  assert.deepEqual(session.feed.roots.head, [2, 1]);
  assert.ok(session.posting.outbox.isEmpty);
});

test("a gap is answered by a join at the cursor; what comes before its answer is dropped", () => {
  const { sockets, session } = live();
  sockets.last.say(changes(0, comment(1, "a")));
  sockets.last.say(changes(2, comment(3, "c")));
  assert.equal(sockets.last.of("join").at(-1).since, "abc.1");
  sockets.last.say(changes(3, comment(4, "d")));
  answerJoin(sockets);
  sockets.last.say({ ...changes(1, comment(2, "b"), comment(3, "c"), comment(4, "d")), to: 4 });
  assert.deepEqual(session.feed.roots.head, [4, 3, 2, 1]);
  assert.equal(sockets.last.of("join").length, 2);
});

test("a server that only ever makes gaps is left for a while", () => {
  const { sockets, session } = live();
  for (let i = 0; i < 6; i += 1) {
    sockets.last.say(changes(5, comment(6, "x")));
    if (session.connection.state === "open") answerJoin(sockets);
  }
  assert.equal(session.connection.state, "waiting");
});

test("a reset is answered by a join without cursor", () => {
  const { sockets } = live();
  sockets.last.say({ type: "reset", room: "r", reason: "epoch" });
  assert.equal(sockets.last.of("join").at(-1).since, undefined);
});

test("the answer to an earlier join is nobody's", () => {
  const { sockets, session } = live();
  sockets.last.say({ type: "joined", ref: "j999", room: { name: "r", state: "open", comments: 0 }, cursor: "zzz.9", mode: "snapshot", comments: [] });
  assert.equal(session.feed.cursor, "abc.0");
});

test("storage trouble is retried by itself, a rejection is told", () => {
  const { clock, sockets, session, errors } = live();
  const { nonce } = session.posting.post({ body: "Hello" });
  sockets.last.say({ type: "error", ref: nonce, code: "unavailable", message: "", retryable: true, retry_after_ms: 1500 });
  clock.pass(1500);
  assert.deepEqual(sockets.last.of("post").map((post) => post.nonce), [nonce, nonce]);
  sockets.last.say({ type: "error", ref: nonce, code: "rejected", message: "Too many links.", retryable: false });
  assert.deepEqual([session.posting.outbox.get(nonce)?.state, session.posting.outbox.get(nonce)?.reason], ["failed", "Too many links."]);
  assert.equal(errors.length, 1);
  session.posting.discard(nonce);
  assert.ok(session.posting.outbox.isEmpty);
});

test("a guest token the server no longer takes is forgotten, and the reader comes back as nobody", () => {
  const { clock, sockets, memory } = opened({ stored: "old" });
  sockets.last.say({ type: "error", code: "unauthorized", message: "", retryable: false });
  sockets.last.drop(4500);
  assert.equal(memory.get("guest"), null);
  clock.pass(250);
  sockets.last.accept();
  assert.equal(sockets.last.of("hello")[0].token, undefined);
});

test("who signs in goes on over the same connection, and this browser remembers it", () => {
  const { sockets, memory, session } = live();
  session.speakWith("signed");
  assert.deepEqual(sockets.last.of("renew").at(-1), { type: "renew", token: "signed" });
  assert.equal(memory.get("guest"), "signed");
  assert.equal(sockets.all.length, 1);
});

test("staff that watches is told of what others decide, after a reconnect, too", () => {
  const { clock, sockets, session } = live();
  /** @type {any[]} */
  const heard = [];
  session.watch((frame) => heard.push(frame.action));
  sockets.last.say({ type: "queued", room: "r", comment: comment(3, "Hello"), action: "approve" });
  sockets.last.say({ type: "queued", room: "elsewhere", comment: comment(3, "Hello"), action: "hide" });
  sockets.last.drop(1006);
  clock.pass(250);
  sockets.last.accept();
  assert.equal(sockets.last.of("watch").length, 1);
  assert.deepEqual(heard, ["approve"]);
});

test("who signs out comes back as nobody, and begins anew", () => {
  const { clock, sockets, memory, session } = live();
  session.speakWith(null);
  assert.equal(memory.get("guest"), null);
  clock.pass(250);
  sockets.last.accept();
  assert.equal(sockets.last.of("hello")[0].token, undefined);
  assert.equal(sockets.last.of("join")[0].since, undefined);
});

test("the host's own token refused is the end, and posts say so", () => {
  const { sockets, session } = opened({ token: "host" });
  const { nonce } = session.posting.post({ body: "Hello" });
  sockets.last.say({ type: "error", code: "unauthorized", message: "", retryable: false });
  sockets.last.drop(4500);
  assert.equal(session.status, "stopped");
  assert.equal(session.posting.outbox.get(nonce)?.state, "failed");
});

test("closed for good, neither timers nor late frames do anything", () => {
  const { clock, sockets, session } = live();
  session.posting.post({ body: "Hello" });
  session.close();
  clock.pass(60_000);
  assert.equal(sockets.all.length, 1);
  assert.equal(session.status, "paused");
});

test("paused, it comes back by its cursor", () => {
  const { sockets, session } = live();
  sockets.last.say(changes(0, comment(1, "a")));
  session.pause();
  session.start();
  sockets.last.accept();
  assert.equal(sockets.last.of("join")[0].since, "abc.1");
});

test("what is asked for is sent until it is answered, over any connection, with the same nonce", async () => {
  const { clock, sockets, session } = live();
  const asked = session.posting.ask({ type: "edit", comment: 3, body: "Better" });
  const { nonce } = sockets.last.of("edit")[0];
  sockets.last.drop(1006);
  clock.pass(250);
  sockets.last.accept();
  welcome(sockets, GUEST);
  answerJoin(sockets);
  assert.deepEqual(sockets.last.of("edit").map((frame) => [frame.nonce, frame.ref]), [[nonce, nonce]]);
  sockets.last.say({ type: "error", ref: nonce, code: "unavailable", message: "", retryable: true, retry_after_ms: 500 });
  clock.pass(500);
  assert.equal(sockets.last.of("edit").length, 2);
  sockets.last.say({ type: "ack", ref: nonce, room: "r", seq: 9 });
  assert.equal((await asked).seq, 9);
});

test("a like is shown at once and taken back if the server says no", async () => {
  const { sockets, session } = live();
  sockets.last.say(changes(0, { ...comment(1, "Hello"), reactions: { like: 2 } }));
  const first = () => /** @type {any} */ (session.feed.comments.get(1));
  const toggled = session.reactions.toggle(1);
  assert.deepEqual(session.reactions.of(first()), { isOn: true, count: 3 });
  const { ref } = sockets.last.of("react")[0];
  sockets.last.say({ type: "error", ref, code: "banned", message: "No.", retryable: false });
  await assert.rejects(toggled, { message: "No." });
  assert.deepEqual(session.reactions.of(first()), { isOn: false, count: 2 });
});

test("another order is a new snapshot in that order", () => {
  const { sockets, session } = live();
  session.sort("best");
  const { order, since } = sockets.last.of("join").at(-1);
  assert.deepEqual([order, since], ["best", undefined]);
  const roots = [comment(2, "liked"), comment(9, "less"), comment(4, "least")];
  answerJoin(sockets, { cursor: "abc.9", comments: roots, next: "token" });
  sockets.last.say(changes(9, comment(10, "new")));
  assert.deepEqual(session.feed.roots, { head: [10, 2, 9, 4], tail: [] });
});

test("a comment is found wherever it is, and roots of pages not read come last", async () => {
  const { sockets, session } = live();
  session.sort("newest");
  answerJoin(sockets, { cursor: "abc.9", comments: [comment(9, "new"), comment(8, "newer")], next: "token" });
  const found = session.find(3);
  const { ref, comment: id } = sockets.last.of("page")[0];
  assert.equal(id, 3);
  sockets.last.say({ type: "page", ref, room: "r", comments: [comment(2, "root"), { ...comment(3, "reply"), parent: 2 }], at: 9 });
  assert.equal(await found, true);
  assert.deepEqual(session.feed.roots, { head: [9, 8], tail: [2] });
  const lost = session.find(5);
  sockets.last.drop(1006);
  assert.equal(await lost, false);
});

test("who signs in is given what they reacted to and what of theirs is held; all else stays, and is followed from where it was", () => {
  const { sockets, session } = live();
  const shown = [comment(1, "One"), comment(2, "Two")];
  session.sort("best");
  answerJoin(sockets, { comments: shown, reacted: { 1: ["like"] }, next: "t", cursor: "abc.2" });
  session.speakWith("ana");
  welcome(sockets, { id: "u1", name: "Ana", role: "reader" });
  assert.deepEqual(shown.map((each) => session.reactions.of(each).isOn), [false, false]);
  const { ref, ...asked } = sockets.last.of("page")[0];
  assert.deepEqual(asked, { type: "page", room: "r", order: "best", limit: 100 });
  assert.equal(sockets.last.of("join").at(-1).since, undefined);
  session.feed.touched.clear();
  const held = { ...comment(3, "Held"), state: "held", author: { id: "u1", name: "Ana" } };
  sockets.last.say({ type: "page", ref, room: "r", comments: [...shown, comment(4, "Four")], reacted: { 2: ["like"] }, next: null, at: 9 });
  answerJoin(sockets, { comments: [...shown, comment(4, "Four")], mine: [held], next: null, cursor: "abc.9" });
  assert.deepEqual(shown.map((each) => session.reactions.of(each).isOn), [false, true]);
  assert.deepEqual([...session.feed.touched].sort(), [2, 3], "nothing else of what came is looked at");
  assert.equal(session.feed.next, "t");
  assert.equal(sockets.last.of("join").at(-1).since, "abc.2", "what the snapshot may have been ahead by is not missed");
  answerJoin(sockets);
  sockets.last.say(changes(2, comment(5, "Five")));
  assert.deepEqual([...session.feed.comments.keys()].sort(), [1, 2, 3, 5]);
  assert.equal(sockets.last.of("join").length, 4);
});

test("who signs in while the link breaks, or sees the room otherwise from then on, is given theirs with the next join", () => {
  const { sockets, session } = live();
  session.speakWith("ana");
  welcome(sockets, { id: "u1", name: "Ana", role: "reader" });
  sockets.last.drop(1006);
  session.connection.start();
  sockets.last.accept();
  assert.equal(sockets.last.of("join")[0].since, undefined);
  session.speakWith("ben");
  welcome(sockets, { id: "u2", name: "Ben", role: "moderator" });
  sockets.last.say({ type: "reset", room: "r", reason: "identity" });
  assert.equal(sockets.last.of("join").at(-1).since, undefined);
  answerJoin(sockets, { comments: [comment(1, "One")], cursor: "abc.1" });
  assert.deepEqual([...session.feed.comments.keys()], [1]);
  assert.equal(session.feed.cursor, "abc.1");
});

test("a guest who gives a name, and who comes back the same, is not asked for", () => {
  const { sockets, session } = opened();
  welcome(sockets, NOBODY);
  answerJoin(sockets);
  session.posting.post({ body: "First", name: "Mara" });
  welcome(sockets, GUEST);
  sockets.last.drop(1006);
  session.connection.start();
  sockets.last.accept();
  welcome(sockets, GUEST);
  assert.deepEqual(sockets.all.map((socket) => socket.of("join").length), [1, 1]);
});

test("what a page could not send, the next page sends with the same nonce and name", () => {
  const { memory, sockets, session } = opened();
  welcome(sockets, NOBODY);
  const { nonce } = session.posting.post({ body: "Unsent", name: "Mara", parent: 4, website: "trapped" });
  session.close();
  const later = opened({ memory });
  welcome(later.sockets, NOBODY);
  answerJoin(later.sockets);
  assert.equal(later.sockets.last.of("renew")[0].guest.name, "Mara");
  welcome(later.sockets, GUEST);
  const [post] = later.sockets.last.of("post");
  assert.deepEqual([post.nonce, post.body, post.parent, post.website], [nonce, "Unsent", 4, "trapped"]);
  later.sockets.last.say({ type: "ack", ref: nonce, room: "r", seq: 7, comment: comment(7, "Unsent") });
  assert.ok(opened({ memory }).session.posting.outbox.isEmpty);
});

test("what one account could not send is not sent by another", () => {
  const { memory, sockets, session } = opened({ token: "ana" });
  welcome(sockets, { id: "u1", name: "Ana", role: "reader" });
  session.posting.post({ body: "Ana's" });
  session.close();
  const other = opened({ token: "ben", memory });
  welcome(other.sockets, { id: "u2", name: "Ben", role: "reader" });
  answerJoin(other.sockets);
  assert.deepEqual(other.sockets.last.of("post"), []);
  const again = opened({ token: "ana", memory });
  welcome(again.sockets, { id: "u1", name: "Ana", role: "reader" });
  answerJoin(again.sockets);
  assert.deepEqual(again.sockets.last.of("post").map((post) => post.body), ["Ana's"]);
});

test("what a guest could not send goes along when they sign in, and is not sent again by the next guest", () => {
  const { memory, sockets, session } = live();
  sockets.last.drop(1006);
  session.posting.post({ body: "Mara's" });
  session.connection.start();
  sockets.last.accept();
  welcome(sockets, { id: "u1", name: "Ana", role: "reader" });
  answerJoin(sockets);
  assert.deepEqual(sockets.last.of("post").map((post) => post.body), ["Mara's"]);
  const next = opened({ memory });
  welcome(next.sockets, GUEST);
  answerJoin(next.sockets);
  assert.deepEqual(next.sockets.last.of("post"), []);
});

test("what an account could not send stays with it when it signs out, and goes out when it signs in", async () => {
  const { sockets, session } = opened({ stored: "ana" });
  const ana = { id: "u1", name: "Ana", role: "reader" };
  welcome(sockets, ana);
  answerJoin(sockets, { comments: [comment(1, "One")] });
  session.posting.post({ body: "Ana's" });
  let isGivenUp = false;
  session.reactions.toggle(1).catch(() => (isGivenUp = true));
  session.speakWith(null);
  session.connection.start();
  sockets.last.accept();
  welcome(sockets, GUEST);
  answerJoin(sockets);
  await new Promise(setImmediate);
  assert.ok(isGivenUp);
  assert.deepEqual([...sockets.last.of("post"), ...sockets.last.of("react")], []);
  assert.deepEqual(session.posting.outbox.shown, []);
  session.speakWith("ana");
  welcome(sockets, ana);
  assert.deepEqual(sockets.last.of("post").map((post) => post.body), ["Ana's"]);
});
