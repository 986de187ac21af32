// What needs no host, and can be tested without one.

/** The text from its end to its beginning, by characters and not by halves of them. */
export function mirrored(text) {
  return [...text].reverse().join("");
}

/** The argument is a number of milliseconds, as text; a second if it says nothing. */
export function delayIn(argument) {
  if (argument === "") return 1000;
  if (!/^[0-9]+$/.test(argument)) throw new Error(`the argument \`${argument}\` is not a number of milliseconds`);
  return Number(argument);
}
