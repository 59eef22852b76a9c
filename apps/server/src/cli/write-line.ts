/** Where a command's words go: injected, so that tests read them. */
export type WriteLine = (line: string) => void;

/** Standard output: what was asked for, and nothing else, so that scripts can take it. */
export const writeLine: WriteLine = (line) => {
  process.stdout.write(`${line}\n`);
};

/** Standard error: words for the person beside it. */
export const writeNote: WriteLine = (line) => {
  process.stderr.write(`${line}\n`);
};
