import assert from "node:assert/strict";
import { test } from "node:test";
import { signInOffer } from "../../static/sign-in-offer.js";
import { words as late } from "../../static/lang/more/en.js";
import { Words } from "../../static/words.js";

const words = new Words("en", /** @type {any} */ (late));

/**
 * What is offered to a reader, and what was asked for.
 * @param {import("node:test").TestContext} context @param {{ways: string[], account?: string, isHosted?: boolean, server?: string}} given
 */
async function offered(context, { ways, account = "", isHosted = false, server = "https://talk/" }) {
  /** @type {string[]} */
  const asked = [];
  context.mock.method(globalThis, "fetch", async (/** @type {URL} */ url) => {
    asked.push(url.href);
    return { json: async () => ({ ways }) };
  });
  const session = /** @type {any} */ ({ isHosted, posting: { account } });
  return { offer: (await signInOffer(session, words, server))(), asked };
}

test("who isn't signed in may sign in, who is may sign out", async (context) => {
  assert.equal((await offered(context, { ways: ["mail"] })).offer?.label, "Sign in");
  assert.equal((await offered(context, { ways: ["mail"], account: "p:1" })).offer?.label, "Sign out");
});

test("nothing is offered where there is no way, or the host page says who reads", async (context) => {
  assert.equal((await offered(context, { ways: [] })).offer, null);
  assert.equal((await offered(context, { ways: ["mail"], isHosted: true, account: "p:1" })).offer, null);
});

test("the ways are those of the thread's site", async (context) => {
  const { asked } = await offered(context, { ways: [], server: "https://talk/?site=news" });
  assert.deepEqual(asked, ["https://talk/api/v1/sign-in?site=news"]);
});
