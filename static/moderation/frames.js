/** The frames that only staff is sent; whatever imports this reads them. The widget is spared their bytes. */
import { SHAPES } from "../protocol.js";

Object.assign(SHAPES, {
  watching: { on: "boolean" },
  queued: { room: "string", comment: "object" },
  moderators: { here: "array" },
  restricted: { person: "string", action: "string", by: "object" },
});
