// Bun's own WebSocket server, as it comes: an echo, or with the argument `broadcast` each message is published to every client.
const broadcasts = process.argv[2] === 'broadcast';

const server = Bun.serve({
  hostname: '127.0.0.1',
  port: 0,
  fetch(request, server) {
    return server.upgrade(request) ? undefined : new Response('a WebSocket is expected', { status: 426 });
  },
  websocket: {
    open(socket) {
      if (broadcasts) socket.subscribe('all');
    },
    message(socket, message) {
      if (broadcasts) {
        server.publish('all', message);
      } else {
        socket.send(message);
      }
    },
  },
});

console.log(`bun is at ws://127.0.0.1:${server.port}/`);
