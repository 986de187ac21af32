// Sends each message back as it came.

export function message(request, message) {
  request.send(message);
}
