/** The frames that only the page for moderators reads, and whatever else imports this. The widget is spared their bytes. */
import { SHAPES } from "../protocol.js";

Object.assign(SHAPES, {
  watching: { on: "boolean" },
  moderators: { here: "array" },
  restricted: { person: "string", action: "string", by: "object" },
});
