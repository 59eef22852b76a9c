/** The part of `node:fs/promises` that the spool uses, in memory: a disk that outlives the processes of a run. */
export interface ModelDisk {
  readonly files: Map<string, string>;
  /** To stand in for `node:fs/promises`. */
  readonly module: Record<string, unknown>;
}

export const createModelDisk = (): ModelDisk => {
  const files = new Map<string, string>();
  const handleOf = (path: string) => ({
    writeFile: async (text: string) => void files.set(path, text),
    sync: async () => undefined,
    close: async () => undefined,
  });

  return {
    files,
    module: {
      mkdir: async () => undefined,
      open: async (path: string) => handleOf(path),
      readdir: async (folder: string) =>
        [...files.keys()]
          .filter((path) => path.startsWith(`${folder}/`))
          .map((path) => path.slice(folder.length + 1)),
      readFile: async (path: string) => {
        const text = files.get(path);
        if (text === undefined) throw new Error(`no file ${path}`);
        return text;
      },
      rename: async (from: string, to: string) => {
        files.set(to, files.get(from) ?? '');
        files.delete(from);
      },
      rm: async (path: string) => void files.delete(path),
    },
  };
};
