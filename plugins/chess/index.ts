// A game of chess against the plugin. The rules are those of the npm package chess.js; the position is the connection's attachment.

import { Chess, type Move, type PieceSymbol } from "chess.js";
import { type Message, type Request } from "holdline";

const WORTH: Record<PieceSymbol, number> = { p: 1, n: 3, b: 3, r: 5, q: 9, k: 0 };

export function open(request: Request): void {
  request.send({ say: "you are white: say a move such as e4 or Nf3, or board, moves or new" });
}

export function message(request: Request, message: Message): void {
  const game = new Chess(request.attachment.text() || undefined);
  const said = typeof message === "string" ? message.trim() : "";
  if (said === "board") return request.send(game.ascii());
  if (said === "moves") return request.send({ moves: game.moves() });
  if (said === "new") game.reset();
  else if (!played(game, said)) return request.send({ error: `${said} is no move here`, moves: game.moves() });
  const answer = said === "new" ? null : reply(game);
  request.setAttachment(game.fen());
  request.send({ you: said, me: answer, check: game.inCheck(), over: outcome(game) });
}

function played(game: Chess, move: string): boolean {
  try {
    game.move(move);
    return true;
  } catch {
    return false;
  }
}

/** One of the moves that win the most at once, by chance: a beginner's game, and a cheap one. */
function reply(game: Chess): string | null {
  const moves = game.moves({ verbose: true });
  const best = Math.max(...moves.map(taken));
  const choice = moves.filter((move) => taken(move) === best);
  const chosen = choice[Math.floor(Math.random() * choice.length)];
  return chosen ? game.move(chosen.san).san : null;
}

function taken({ captured, promotion }: Move): number {
  return (captured ? WORTH[captured] : 0) + (promotion ? WORTH[promotion] : 0);
}

function outcome(game: Chess): string | null {
  if (game.isCheckmate()) return game.turn() === "w" ? "black wins" : "white wins";
  return game.isDraw() ? "draw" : null;
}
