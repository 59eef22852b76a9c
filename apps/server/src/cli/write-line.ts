/** Where a command's answer goes: injected, so that tests read it. */
export type WriteLine = (line: string) => void;

/** Standard output. */
export const writeLine: WriteLine = (line) => {
  process.stdout.write(`${line}\n`);
};
