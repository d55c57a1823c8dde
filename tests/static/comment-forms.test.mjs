import assert from "node:assert/strict";
import { test } from "node:test";
import { CommentForms } from "../../static/comment-forms.js";

test("that something is being written is told each five seconds at most, that it isn't any more once", (context) => {
  context.mock.timers.enable({ apis: ["Date"] });
  /** @type {boolean[]} */
  const told = [];
  const forms = new CommentForms(/** @type {any} */ ({ onWriting: (/** @type {boolean} */ on) => told.push(on) }));
  forms.tellWriting(false);
  assert.deepEqual(told, [], "nothing was written yet");
  for (let second = 0; second < 6; second++) {
    forms.tellWriting(true);
    context.mock.timers.tick(1_000);
  }
  assert.deepEqual(told, [true, true]);
  forms.tellWriting(false);
  forms.tellWriting(false);
  forms.tellWriting(true);
  assert.deepEqual(told, [true, true, false, true], "begun anew, it is told at once");
});
