/**
 * The script of the sign-in window. It hands the token to the page that opened the window, and to nobody else.
 * A link from a mail opens in a page of its own, which tells the window that waits in the same browser.
 */
const place = document.getElementById("sign-in");
const { site, origin, token } = place?.dataset ?? {};

/** @param {string} token */
function hand(token) {
  if (!origin || !window.opener) return;
  window.opener.postMessage({ type: "livethread-token", site, token }, origin);
  window.close();
}

if (site) {
  const channel = new BroadcastChannel("livethread-sign-in"); // of this origin only
  if (token && origin) hand(token);
  else if (token) channel.postMessage({ site, token });
  else channel.onmessage = ({ data }) => data?.site === site && typeof data.token === "string" && hand(data.token);
}

export {};
