// The client of Bun: bun bun.js URL TOKEN AUTHORITY

const [url, token, authority] = process.argv.slice(2);
const ca = await Bun.file(authority).text();
const socket = new WebSocket(url, { headers: { authorization: `Bearer ${token}` }, tls: { ca } });
socket.onopen = () => socket.send("here");
socket.onmessage = ({ data }) => {
  console.log(`heard ${data}`);
  socket.close(1000);
};
socket.onclose = ({ code }) => console.log(`closed ${code}`);
