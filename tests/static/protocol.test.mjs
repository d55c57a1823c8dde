import assert from "node:assert/strict";
import { test } from "node:test";
import { comesBack, makeNonce, parseCursor, readFrame } from "../../static/protocol.js";
import { safeHref } from "../../static/rich.js";
import { roomOf, serverOf } from "../../static/address.js";

test("a cursor is EPOCH.SEQ", () => {
  assert.deepEqual(parseCursor("k3f9q2.1042"), { epoch: "k3f9q2", seq: 1042 });
  for (const text of ["", "0", "a.", ".1", "a.-1", "a.01", "a.1.2", "a b.1", "a.1e3"]) assert.equal(parseCursor(text), null, text);
});

test("what is malformed or unknown is ignored", () => {
  const bad = [
    "", "null", "[]", "1", '"x"', "{}", '{"type":"toString"}', '{"type":"__proto__"}', '{"type":"news"}', '{"type":"changes","room":"r","from":1,"to":2}',
    '{"type":"changes","room":"r","from":"1","to":2,"changes":[]}', '{"type":"joined","room":null,"cursor":"a.1","mode":"resume"}', "{",
  ];
  for (const text of bad) assert.equal(readFrame(text), null, text);
  assert.equal(readFrame('{"type":"heartbeat","t":1,"more":true}')?.type, "heartbeat");
});

test("nonces are long, of safe characters, and differ", () => {
  const nonces = new Set(Array.from({ length: 1000 }, makeNonce));
  assert.equal(nonces.size, 1000);
  for (const nonce of nonces) assert.match(nonce, /^[A-Za-z0-9_-]{22}$/);
});

test("only 4500 to 4999 forbid coming back", () => {
  assert.deepEqual([1000, 1006, 1011, 4001, 4499, 4500, 4999].map(comesBack), [true, true, true, true, true, false, false]);
});

test("only http, https and mailto links are followed", () => {
  for (const href of ["https://example.com/a", "http://example.com/", "mailto:a@example.com"]) assert.equal(safeHref(href), href);
  const bad = [
    "javascript:alert(1)", " JaVaScRiPt:alert(1)", "java\nscript:alert(1)", "\u0001javascript:alert(1)", "data:text/html,x", "vbscript:x",
    "blob:https://x/y", "file:///etc/passwd", "//example.com", "/path", "", null, undefined, {}, "https://",
  ];
  for (const href of bad) assert.equal(safeHref(href), null, String(href));
});

test("the server is where the module lies, joined or not, under a path or not", () => {
  assert.equal(serverOf("https://talk.example.com/embed.js?v=1"), "https://talk.example.com/");
  assert.equal(serverOf("https://talk.example.com/static/address.js"), "https://talk.example.com/");
  assert.equal(serverOf("https://example.com/talk/static/address.js"), "https://example.com/talk/");
});

test("a page's room is its address as a path", () => {
  assert.equal(roomOf("https://example.com:8443/news//2026/bridge/?utm=1#top"), "example.com:8443/news/2026/bridge");
  assert.equal(roomOf("https://example.com/"), "example.com");
});
