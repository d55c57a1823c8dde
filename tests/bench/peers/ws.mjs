// `ws` as its documentation broadcasts: a loop of send(), no compression.
//
// The first message is `join ROOM` or `post`; a poster's next ones are `ROOM PAYLOAD`.

import { createServer } from "node:http";
import { WebSocketServer } from "ws";

const rooms = new Map();
const http = createServer();

new WebSocketServer({ server: http }).on("connection", (socket) => {
  let isPoster = false;
  socket.on("message", (data) => {
    const message = data.toString();
    const space = message.indexOf(" ");
    if (isPoster) {
      const payload = message.slice(space + 1);
      for (const reader of rooms.get(message.slice(0, space)) ?? []) reader.send(payload);
    } else if (space < 0) {
      isPoster = true;
    } else {
      const name = message.slice(space + 1);
      if (!rooms.has(name)) rooms.set(name, new Set());
      rooms.get(name).add(socket);
      socket.on("close", () => rooms.get(name).delete(socket));
      socket.send(JSON.stringify({ type: "joined", room: { name }, cursor: "x.0" }));
    }
  });
  socket.on("error", () => socket.terminate());
});

http.listen(0, "127.0.0.1", 4096, () => {
  console.log(`listens on http://127.0.0.1:${http.address().port}`);
});
