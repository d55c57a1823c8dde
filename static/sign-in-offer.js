/**
 * A way to sign in or out, beside the name a comment goes under: where the host page doesn't say who reads and the site has
 * ways to sign in. Loaded when somebody begins to do something.
 */
import { signIn } from "./sign-in-window.js";

/**
 * @param {import("./thread-session.js").ThreadSession} session
 * @param {import("./words.js").Words} words
 * @param {string} server  its base URL, with `?site=` where one is named
 * @returns {Promise<() => import("./composer.js").Offer | null>}  what is offered now
 */
export async function signInOffer(session, words, server) {
  const site = new URL(server).searchParams.get("site") ?? undefined;
  const address = new URL("api/v1/sign-in", server);
  if (site) address.searchParams.set("site", site);
  const { ways } = await (await fetch(address, { credentials: "omit" })).json();
  const enter = async () => {
    const token = await signIn(server, site);
    if (token) session.speakWith(token);
    return token !== null;
  };
  const leave = async () => {
    session.speakWith(null);
    return true;
  };
  return () => {
    if (session.isHosted || !ways.length) return null;
    return session.posting.account
      ? { label: words.say("signOut"), run: leave }
      : { label: words.say("signIn"), run: enter };
  };
}
