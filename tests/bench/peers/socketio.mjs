// Socket.IO with rooms as its documentation has them, over websockets alone, without compression.

import { createServer } from "node:http";
import { Server } from "socket.io";

const http = createServer();
const io = new Server(http, {
  transports: ["websocket"],
  pingInterval: 3_600_000, // nothing here answers
  serveClient: false,
});

io.on("connection", (socket) => {
  socket.on("join", (name) => {
    socket.join(name);
    socket.emit("frame", { type: "joined", room: { name }, cursor: "x.0" });
  });
  socket.on("post", (room, change) => io.to(room).emit("frame", change));
});

http.listen(0, "127.0.0.1", 4096, () => {
  console.log(`listens on http://127.0.0.1:${http.address().port}`);
});
