/** Opens the window in which a reader signs in, on the server's own origin. */

/**
 * Call it in answer to a click, or the browser won't open a window.
 * @param {string} server  its base URL, ending with a slash
 * @param {string} [site]
 * @returns {Promise<string | null>} the token; null if the reader has closed the window
 */
export function signIn(server, site) {
  const url = new URL("sign-in", server);
  url.searchParams.set("origin", location.origin);
  if (site) url.searchParams.set("site", site);
  const opened = window.open(url, "livethread-sign-in", "popup,width=480,height=640");
  return new Promise((resolve) => {
    /** @param {MessageEvent} event */
    const hear = (event) => {
      const isIts = event.source === opened && event.origin === url.origin;
      if (isIts && event.data?.type === "livethread-token") done(event.data.token);
    };
    const watch = setInterval(() => opened?.closed !== false && done(null), 500);
    /** @param {string | null} token */
    const done = (token) => {
      clearInterval(watch);
      removeEventListener("message", hear);
      resolve(token);
    };
    addEventListener("message", hear);
  });
}
