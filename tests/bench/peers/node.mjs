// Node's most used WebSocket library, as it comes: an echo, or with the argument `broadcast` each message to every client.
import { WebSocketServer } from 'ws';

const broadcasts = process.argv[2] === 'broadcast';
const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });

server.on('connection', (socket) => {
  socket.on('message', (message, binary) => {
    if (broadcasts) {
      for (const client of server.clients) client.send(message, { binary });
    } else {
      socket.send(message, { binary });
    }
  });
});

server.on('listening', () => console.log(`node is at ws://127.0.0.1:${server.address().port}/`));
