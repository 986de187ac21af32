// An echo in one Durable Object whose WebSockets can hibernate: the nearest relative of a held connection.
import { DurableObject } from 'cloudflare:workers';

export class Echo extends DurableObject {
  async fetch() {
    const { 0: client, 1: server } = new WebSocketPair();
    this.ctx.acceptWebSocket(server);
    return new Response(null, { status: 101, webSocket: client });
  }

  webSocketMessage(socket, message) {
    socket.send(message);
  }

  // Without it a client that closes has no answer.
  webSocketClose(socket, code) {
    socket.close(code);
  }
}

export default {
  fetch(request, env) {
    return env.ECHO.get(env.ECHO.idFromName('all')).fetch(request);
  },
};
